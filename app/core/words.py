"""Times, durations, sizes and sentences in words, as every page has them."""

from datetime import datetime

KIB, MIB, GIB = 1024, 1024**2, 1024**3


def duration_text(seconds: float) -> str:
    """A duration in words: "40 s", "12 min", "3 h", "5 days"."""
    if seconds < 90:
        return f"{max(0, round(seconds))} s"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} min"
    if seconds < 36 * 3600:
        return f"{round(seconds / 3600)} h"
    return f"{round(seconds / 86400)} days"


def time_text(at: datetime | None) -> str:
    """A moment, empty for none."""
    return f"{at:%-d %b %Y, %H:%M} UTC" if at else ""


def size_text(size_bytes: int) -> str:
    """Bytes in words: "340 KiB", "2.4 MiB", "20 GiB"; binary, as the settings are."""
    if size_bytes < MIB:
        return f"{max(1, round(size_bytes / KIB)) if size_bytes else 0} KiB"
    value, unit = (size_bytes / MIB, "MiB") if size_bytes < GIB else (size_bytes / GIB, "GiB")
    return f"{value:,.1f}".removesuffix(".0") + f" {unit}"


def capfirst(text: str) -> str:
    """A capital at the beginning, and all else as it is: names stay what they are."""
    return text[:1].upper() + text[1:]


def counted(n: int, one: str, many: str) -> str:
    """A number with its noun: "1 picture", "1,204 pictures"."""
    return f"{n:,} {one if n == 1 else many}"
