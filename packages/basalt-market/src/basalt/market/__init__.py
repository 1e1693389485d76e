"""The vocabulary of markets: table contracts, sides, market states, flags."""
