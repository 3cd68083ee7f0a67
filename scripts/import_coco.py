"""Imports COCO into the gallery, as `likeness import coco` does."""

from app.ingest.commands_datasets import coco
from app.worker import settle

if __name__ == "__main__":
    coco.main(obj=settle, help_option_names=["-h", "--help"])
