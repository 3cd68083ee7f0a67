"""Likeness: a gallery in which people find pictures by likeness."""
