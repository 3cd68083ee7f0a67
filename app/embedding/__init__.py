"""How pictures become vectors: the models table, embeddings, the embed job."""
