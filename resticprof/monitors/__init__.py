"""One file per monitoring service; pure."""
