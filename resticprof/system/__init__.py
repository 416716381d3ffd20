"""The outside world, each part in one file."""
