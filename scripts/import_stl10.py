"""Imports STL-10 into the gallery, as `likeness import stl10` does."""

from app.ingest.commands_datasets import stl10
from app.worker import settle

if __name__ == "__main__":
    stl10.main(obj=settle, help_option_names=["-h", "--help"])
