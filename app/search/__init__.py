"""How pictures are found: index, live follower, queries and results."""
