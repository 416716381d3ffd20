"""What we know about restic; pure."""
