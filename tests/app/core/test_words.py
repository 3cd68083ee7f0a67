"""Sizes and numbers in words."""

import pytest

from app.core.words import capfirst, counted, size_text


@pytest.mark.parametrize(
    ("size_bytes", "words"),
    [
        (0, "0 KiB"),
        (1, "1 KiB"),
        (348_160, "340 KiB"),
        (1024**2, "1 MiB"),
        (100 * 1024**2, "100 MiB"),
        (2_516_582, "2.4 MiB"),
        (20_480 * 1024**2, "20 GiB"),
        (3 * 1024**4, "3,072 GiB"),
    ],
)
def test_sizes_are_binary_as_the_settings_are(size_bytes: int, words: str) -> None:
    assert size_text(size_bytes) == words


def test_a_number_has_its_noun() -> None:
    assert [counted(n, "picture", "pictures") for n in (0, 1, 1204)] == ["0 pictures", "1 picture", "1,204 pictures"]


def test_a_sentence_begins_with_a_capital_and_keeps_its_names() -> None:
    assert capfirst("the same JPEG stands in My pictures") == "The same JPEG stands in My pictures"
    assert [capfirst(one) for one in ("", "École", "12 files")] == ["", "École", "12 files"]
