"""Item: one picture as a data set gives it, before anything is decoded."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Item:
    """A picture's encoded bytes (or the file that holds them) with what the data set says of it.

    `name` is the file name shown to people, `source` its place in the data set ("caltech101/bass/1.jpg").
    """

    name: str
    source: str
    content: Path | bytes
    labels: tuple[str, ...] = ()
    caption: str = ""

    def read(self) -> bytes:
        """The encoded bytes. Raises OSError when the file cannot be read."""
        return self.content if isinstance(self.content, bytes) else self.content.read_bytes()
