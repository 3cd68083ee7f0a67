"""How good the embeddings are: metrics and protocols."""
