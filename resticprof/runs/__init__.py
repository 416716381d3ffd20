"""One run, and what it is made of."""
