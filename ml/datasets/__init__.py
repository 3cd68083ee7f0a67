"""Readers of picture collections: each yields Items, none knows a database."""
