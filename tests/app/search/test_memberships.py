"""Memberships: the union of what a viewer may see, kept until one of its collections changes."""

from hypothesis import given
from hypothesis import strategies as st

from app.core.changes import Entry
from app.search.memberships import MAX_UNIONS, Memberships

CHANGES = st.lists(st.tuples(st.sampled_from(["joined", "left"]), st.integers(1, 9), st.integers(1, 4)), max_size=40)
ASKED = st.sets(st.integers(1, 5))


@given(before=CHANGES, asked=ASKED, after=CHANGES)
def test_a_union_is_that_of_the_collections_as_they_are_now(
    before: list[tuple[str, int, int]], asked: set[int], after: list[tuple[str, int, int]]
) -> None:
    memberships = Memberships([], 0)
    standing: dict[int, set[int]] = {}
    seq = 0
    for part in (before, after):
        entries: list[Entry] = []
        for kind, image_id, collection_id in part:
            seq += 1
            entries.append(Entry(seq, kind, image_id, collection_id, None))  # pyright: ignore[reportArgumentType]
            if kind == "joined":
                standing.setdefault(collection_id, set()).add(image_id)
            else:
                standing.get(collection_id, set()).discard(image_id)
        memberships.apply(entries)
        expected = sorted(set[int]().union(*(standing.get(one, set()) for one in asked)))
        assert memberships.allowed(asked).ids().tolist() == expected
        assert memberships.allowed(list(asked)).ids().tolist() == expected


def test_a_union_is_kept_until_one_of_its_collections_changes() -> None:
    memberships = Memberships([(1, [10]), (2, [20]), (3, [30])], 0)
    one, both = memberships.allowed([1]), memberships.allowed([1, 2])
    assert memberships.allowed([2, 1]) is both
    memberships.apply([Entry(1, "joined", 21, 2, None)])
    assert memberships.allowed([1]) is one
    assert memberships.allowed([1, 2]).ids().tolist() == [10, 20, 21]
    assert both.ids().tolist() == [10, 20]  # a search under way keeps what it began with
    for number in range(MAX_UNIONS):
        memberships.allowed([1, 100 + number])
    assert memberships.allowed([1]) is not one
