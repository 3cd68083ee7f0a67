"""What comes of each file that is brought in."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Outcome:
    """One file's end: added, there already, or refused with a reason."""

    file: str
    image_id: int | None = None
    is_new: bool = False
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file that was not taken in, and why."""

    file: str
    reason: str


@dataclass(slots=True)
class Tally:
    """Counts of an import as it goes."""

    added: list[int] = field(default_factory=list[int])
    existing: list[int] = field(default_factory=list[int])
    refused: list[Refusal] = field(default_factory=list[Refusal])

    @property
    def done(self) -> int:
        return len(self.added) + len(self.existing) + len(self.refused)

    def count(self, outcome: Outcome) -> None:
        """Take one more outcome in."""
        if outcome.image_id is None:
            self.refused.append(Refusal(outcome.file, outcome.reason or "refused"))
        elif outcome.is_new:
            self.added.append(outcome.image_id)
        else:
            self.existing.append(outcome.image_id)
