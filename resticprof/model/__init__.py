"""What things are; no behaviour beyond reading themselves."""
