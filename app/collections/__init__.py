"""What you share: collections and their members."""
