"""Analytics of executions: what executed in the book, and what trades say of venue type and aggressor."""
