"""What you keep: originals, thumbnails, labels, captions, trash."""
