"""Text and data to text; pure."""
