"""Places to read raw tables from."""
