"""Networks and descriptors that turn pictures into embeddings."""
