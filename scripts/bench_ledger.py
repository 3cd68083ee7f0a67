"""What was done to which picture and when, and whether the answer to a search can be right by that."""

import math
import time
from collections import defaultdict
from dataclasses import dataclass, field

from scripts.bench_gallery import Gallery

GRACE_S = 1.0
"""A change is followed within a second of its commit: until then both answers are right."""


@dataclass(slots=True)
class Move:
    """Into the trash or out of it: between `began` and `done` nobody can tell."""

    is_trashed: bool
    began: float
    done: float = math.inf


@dataclass(frozen=True, slots=True)
class Search:
    """What was found, from when to when; `copy` is the near copy that the search must find, if it is there."""

    began: float
    ended: float
    found: list[int]
    copy: int | None


@dataclass(slots=True)
class Seen:
    """What one client saw. `times`: (seconds, whether an index was being built); `reasons`: what was wrong, in words.

    `stale`: trashed more than a second before the search, and found. `missing`: restored as long before, or never
    trashed, and not found by its near copy. `leaked`: private, and found. `gone_checks`, `back_checks`: how often
    it was certain that a trashed near copy must not be in an answer, and that a restored one must be.
    """

    times: list[tuple[float, bool]] = field(default_factory=list)
    failures: int = 0
    stale: int = 0
    missing: int = 0
    leaked: int = 0
    gone_checks: int = 0
    back_checks: int = 0
    reasons: list[str] = field(default_factory=list)

    def fail(self, reason: str) -> None:
        """Count a request that was not answered as it should be."""
        self.failures += 1
        self.reasons.append(reason)


class Ledger:
    """The moves of all pictures. One thread makes them, any number may look."""

    def __init__(self) -> None:
        self._moves: defaultdict[int, list[Move]] = defaultdict(list)

    def __contains__(self, image_id: int) -> bool:
        """Whether a picture was ever moved."""
        return image_id in self._moves

    def begin(self, image_id: int, *, is_trashed: bool) -> Move:
        """A move that begins now. Its maker notes when it is done."""
        move = Move(is_trashed, time.perf_counter())
        self._moves[image_id].append(move)
        return move

    def stands(self, image_id: int, began: float, ended: float) -> bool | None:
        """Whether a search from `began` to `ended` had to find a picture, or must not have; None: both are right."""
        for move in reversed(self._moves.get(image_id, [])):
            if move.began < ended:
                return None if move.done > began - GRACE_S else not move.is_trashed
        return True


def judge(search: Search, ledger: Ledger, gallery: Gallery, seen: Seen) -> None:
    """Count in `seen` what is wrong with an answer, and what could be told of it."""
    leaked = [one for one in search.found if gallery.is_private(one)]
    stale = [one for one in search.found if ledger.stands(one, search.began, search.ended) is False]
    seen.leaked += bool(leaked)
    seen.stale += bool(stale)
    seen.reasons += [f"{one} is private, and was found" for one in leaked]
    seen.reasons += [f"{one} is in the trash, and was found" for one in stale]
    if search.copy is None:
        return
    expected = ledger.stands(search.copy, search.began, search.ended)
    seen.gone_checks += expected is False
    seen.back_checks += expected is True and search.copy in ledger
    if expected and search.copy not in search.found:
        seen.missing += 1
        seen.reasons.append(f"{search.copy} is not in the trash, and was not found")
