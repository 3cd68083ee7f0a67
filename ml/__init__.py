"""Embeddings of pictures: decoding, models, evaluation. Knows nothing of the app around it."""
