"""Times, durations and sizes in words, as every page has them."""

from datetime import datetime


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
    """Bytes in words: "340 kB", "2.4 MB", "1.2 GB"."""
    if size_bytes < 1_000_000:
        return f"{max(1, round(size_bytes / 1000))} kB"
    if size_bytes < 1_000_000_000:
        return f"{size_bytes / 1_000_000:.1f} MB"
    return f"{size_bytes / 1_000_000_000:.1f} GB"
