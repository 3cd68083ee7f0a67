"""What a file's bytes say that it is, before anything decodes it."""

# Of ISO base media files (boxes of a length, a type and a content), those that hold pictures.
PICTURE_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis"})
BEGINNINGS = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"RIFF", b"II*\0", b"MM\0*", b"\0\0\0\x0cjP  ")


def is_cut_short(data: bytes) -> bool:
    """Whether a HEIF or AVIF file ends within its pixels: libheif would paint what is missing grey and say nothing.

    What phones append behind the pixels need not be boxes, and is not looked at.
    """
    if not _is_media(data) or data[8:12] not in PICTURE_BRANDS:
        return False
    start = 0
    while len(data) - start >= 8:
        length, kind = int.from_bytes(data[start : start + 4]), data[start + 4 : start + 8]
        if length == 1:
            length = int.from_bytes(data[start + 8 : start + 16])
        if kind in {b"ftyp", b"meta", b"mdat", b"moov"} and start + length > len(data):
            return True
        if length < 8:  # 0 is "to the end"
            return False
        start += length
    return False


def guess(data: bytes) -> str:
    """What a file that is no picture we read may be, as the end of a sentence; empty where nothing tells."""
    head = data[:64].lstrip().lower()
    if _is_media(data):
        return "the file is damaged" if data[8:12] in PICTURE_BRANDS else "it is a film"
    if head.startswith((b"<svg", b"<?xml")):
        return "SVG and XML are not supported"
    if head.startswith((b"<!doctype html", b"<html")):
        return "it is a web page"
    if head.startswith(b"%pdf"):
        return "it is a PDF"
    if head.startswith((b"pk\x03\x04", b"\x1f\x8b")):
        return "it is an archive"
    return "the beginning of the file is damaged" if data.startswith(BEGINNINGS) else ""


def _is_media(data: bytes) -> bool:
    return data[4:8] == b"ftyp"
