"""The rules by which an index is built again."""

import pytest

from app.search.records import Recall, Subject
from app.search.upkeep import Proposal, Standing, propose


def standing(
    built: int, living: int, fresh: int, *measured: Recall, exact: bool = False, trained: int | None = None
) -> Standing:
    return Standing(built if trained is None else trained, built, living, fresh, exact, 0.95, measured)


def recall(of: Subject, value: float, queries: int = 200) -> Recall:
    return Recall(1, of, "Foreign" if of == "collection" else None, queries, value, 1.0, 9.0)


def kind_of(proposal: Proposal | None) -> tuple[str, str] | None:
    return None if proposal is None else (proposal.kind, proposal.cause)


@pytest.mark.parametrize(
    ("now", "wanted"),
    [
        (standing(0, 255, 255, exact=True), None),
        (standing(0, 256, 256, exact=True), ("retrain", "growth")),
        (standing(10_000, 10_999, 999, exact=True), None),
        (standing(10_000, 11_000, 1_000, exact=True), ("compact", "fresh")),
        (standing(300, 600, 300, exact=True), ("retrain", "growth")),
        (standing(10, 20, 10, exact=True), None),
        (standing(10_000, 1_000, 0, exact=True), None),
        (standing(100_000, 109_999, 9_999), None),
        (standing(100_000, 110_000, 10_000), ("compact", "fresh")),
        (standing(1_000_000, 1_049_999, 49_999), None),
        (standing(1_000_000, 1_050_000, 50_000), ("compact", "fresh")),
        (standing(100_000, 90_000, 0), None),
        (standing(100_000, 89_999, 0), ("compact", "gone")),
        (standing(100_000, 98_000, 8_500), ("compact", "gone")),
        (standing(30_000, 60_000, 30_000), ("retrain", "growth")),
        (standing(58_000, 60_000, 2_000, trained=30_000), ("retrain", "growth")),
        (standing(58_000, 59_999, 1_999, trained=30_000), None),
        (standing(100_000, 100_000, 0, recall("query", 0.93)), None),
        (standing(100_000, 100_000, 0, recall("query", 0.9299)), ("retrain", "recall")),
        (standing(100_000, 100_000, 0, recall("all", 0.96), recall("newest", 0.9)), ("retrain", "recall")),
        (standing(100_000, 100_000, 0, recall("collection", 0.5)), ("retrain", "recall")),
        (standing(100_000, 100_000, 0, recall("query", 0.5, queries=49)), None),
    ],
)
def test_what_is_due(now: Standing, wanted: tuple[str, str] | None) -> None:
    assert kind_of(propose(now)) == wanted


def test_the_reason_says_what_was_measured() -> None:
    proposal = propose(standing(100_000, 100_000, 0, recall("collection", 0.5)))
    assert proposal is not None
    assert proposal.reason == "recall of the collection Foreign has fallen to 0.500, the target is 0.95"
