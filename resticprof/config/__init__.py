"""From files to typed configuration."""
