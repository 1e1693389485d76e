"""Analytics of books: what stands at a bucket's end and over its time, how deep, how even, how restless."""
