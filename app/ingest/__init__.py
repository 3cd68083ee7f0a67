"""How pictures come in: uploads and folders."""
