"""How messages about a run reach those who are told of it."""
