"""Places for results."""
