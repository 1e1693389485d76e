"""Looking for what is wrong: each module answers one question about the rows of a market's day."""
