"""Tables made from tables before a pass: books, consolidated books, aggressive orders, icebergs."""
