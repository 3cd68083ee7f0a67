"""Pictures for the browser: files to choose, and the scripts that drop and paste them."""

import base64
import itertools

from playwright.sync_api import FilePayload, Page

from ml.datasets.sample.pictures import draw_item
from tests.factories import data_of, picture

_seeds = itertools.count(5000)

PASTE = """([name, content]) => {
  const bytes = Uint8Array.from(atob(content), (character) => character.charCodeAt(0));
  const clipboard = new DataTransfer();
  clipboard.items.add(new File([bytes], name, { type: "image/png" }));
  const paste = new ClipboardEvent("paste", { clipboardData: clipboard, bubbles: true, cancelable: true });
  document.body.dispatchEvent(paste);
}"""


def new_file(name: str = "new.png", size: tuple[int, int] = (240, 160)) -> FilePayload:
    """A picture that no gallery holds yet."""
    return {"name": name, "mimeType": "image/png", "buffer": picture(next(_seeds), size)}


def broken_file(name: str, content: bytes = b"no picture at all") -> FilePayload:
    """A file that calls itself a picture."""
    return {"name": name, "mimeType": "image/png", "buffer": content}


def drawn(index: int) -> FilePayload:
    """Picture `index` of the sample gallery, as a file to ask with."""
    item = draw_item(index, seed=7)
    return {"name": item.name, "mimeType": "image/jpeg", "buffer": data_of(item)}


def drop(page: Page, *paths: str) -> None:
    """Drag files from the desktop over the page and let them fall, by the browser's own input."""
    session = page.context.new_cdp_session(page)
    data = {"items": [], "files": list(paths), "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver"):
        session.send("Input.dispatchDragEvent", {"type": kind, "x": 400, "y": 400, "data": data})
    page.locator("#overlay .overlay__drop").wait_for()
    session.send("Input.dispatchDragEvent", {"type": "drop", "x": 400, "y": 400, "data": data})


def paste(page: Page, file: FilePayload) -> None:
    """Paste a file, as Ctrl+V does with a picture in the clipboard."""
    page.evaluate(PASTE, [file["name"], base64.b64encode(file["buffer"]).decode()])
