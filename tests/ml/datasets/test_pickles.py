"""A32: CIFAR's pickles give their tables; whatever else a pickle asks for is refused, and nothing is run."""

import os
import pickle
import struct
import tracemalloc
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

from ml.datasets.items import DataSetError
from ml.datasets.pickles import MAX_OPERATIONS, MAX_TEXT_BYTES, loads
from tests.ml.datasets.distributions import pickled, python2_pickle, random_rows

MIB = 1024**2
ROWS = random_rows("cifar10", 300, seed=1)
ARRAY = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85U\x01b\x87R"
UINT8 = b"cnumpy\ndtype\nU\x02u1K\0K\x01\x87R"


def read(data: bytes, max_bytes: int = 64 * MIB) -> dict[str, object]:
    return loads(data, "a_batch", max_bytes)


def table_of(value: bytes) -> bytes:
    """A pickle of {"a": value}."""
    return b"\x80\x02}U\x01a" + value + b"s."


class Hostile:
    """What is pickled of it makes a folder when it is unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, ("was_executed",)


def test_a_batch_of_python_2_gives_its_table() -> None:
    found = read(pickled(ROWS))
    assert list(found) == ["batch_label", "labels", "data", "filenames"]
    assert found["labels"] == ROWS.labels["labels"]
    assert found["filenames"] == ROWS.names
    np.testing.assert_array_equal(found["data"], ROWS.data)


@pytest.mark.parametrize("protocol", [3, 4, 5])
@pytest.mark.parametrize("as_bytes", [False, True])
def test_pickles_of_python_3_have_the_same_keys(protocol: int, as_bytes: bool) -> None:
    table = {"labels": np.array([3, 1], np.int64), "data": ROWS.data[:2], "filenames": ROWS.names[:2], "n": 70_000}
    keyed = {key.encode() if as_bytes else key: value for key, value in table.items()}
    found = read(pickle.dumps(keyed, protocol))
    assert list(found) == list(table)
    np.testing.assert_array_equal(found["data"], ROWS.data[:2])
    np.testing.assert_array_equal(found["labels"], [3, 1])
    assert (found["filenames"], found["n"]) == (ROWS.names[:2], 70_000)


def test_arrays_by_columns_and_of_the_other_byte_order_are_read_as_they_are() -> None:
    by_columns = np.asfortranarray(ROWS.data[:3])
    swapped = np.array([1, 256], ">i4")
    found = read(pickle.dumps({"data": by_columns, "labels": swapped}, 4))
    np.testing.assert_array_equal(found["data"], by_columns)
    np.testing.assert_array_equal(found["labels"], [1, 256])


def test_an_array_is_not_copied() -> None:
    data = python2_pickle({"data": np.zeros((8 * 1024, 1024), np.uint8)})
    tracemalloc.start()
    try:
        found = read(data)
        assert tracemalloc.get_traced_memory()[1] < MIB
    finally:
        tracemalloc.stop()
    assert isinstance(found["data"], np.ndarray)
    assert not found["data"].flags.writeable


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_what_would_run_is_named_and_not_run(protocol: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataSetError, match=r"a_batch asks for (posix|os)\.mkdir, .* nothing of it was run"):
        read(pickle.dumps({"data": Hostile()}, protocol))
    assert not list(tmp_path.iterdir())


REFUSED = {
    "a class of Python's": (pickle.dumps({"a": OrderedDict()}, 4), r"asks for collections\.OrderedDict"),
    "a class by its attribute": (table_of(b"cnumpy\nndarray.tofile\n"), r"asks for numpy\.ndarray\.tofile"),
    "ndarray called": (table_of(b"cnumpy\nndarray\nK\1\x85R"), r"calls numpy\.ndarray"),
    "a subclass rebuilt": (
        table_of(b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\ndtype\nK\0\x85U\1b\x87R"),
        "calls numpy.core.multiarray._reconstruct",
    ),
    "a name to confuse": (table_of(b"cos\r\x1b[2J\nsystem\n"), "asks for os��\\[2J.system"),
    "objects": (pickle.dumps({"a": np.array([object], object)}, 4), "another kind than whole numbers"),
    "floats": (pickle.dumps({"a": np.zeros(2)}, 4), "another kind than whole numbers"),
    "a number without end": (table_of(pickle.LONG4 + struct.pack("<i", 9) + b"1" * 9), "holds LONG4"),
    "a persistent id": (table_of(b"K\1Q"), "holds BINPERSID"),
    "an extension": (table_of(b"\x82\1"), "holds EXT1"),
    "no instruction": (table_of(b"\xff"), "holds the byte 255"),
    "protocol 0": (pickle.dumps({"a": 1}, 0), "holds DICT"),
    "protocol 9": (b"\x80\x09}.", "protocol 9"),
    "a shape without end": (
        table_of(ARRAY + b"(K\1J\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x86" + UINT8 + b"\x89U\0tb"),
        "2147483647 x 2147483647 numbers in 0 bytes",
    ),
    "a negative shape": (
        table_of(ARRAY + b"(K\1J\xff\xff\xff\xffJ\xff\xff\xff\xff\x86" + UINT8 + b"\x89U\1xtb"),
        "-1 x -1 numbers in 1 bytes",
    ),
    "a shape of no side": (table_of(ARRAY + b"(K\1)" + UINT8 + b"\x89U\1xtb"), "which cannot be"),
    "many sides": (table_of(ARRAY + b"(K\1(" + b"K\1" * 40 + b"t" + UINT8 + b"\x89U\1xtb"), "1 x 1 x 1 numbers"),
    "no table": (pickle.dumps([1], 4), "is a pickle, but of no batch"),
    "nothing": (b"", "is cut short"),
    "bytes that are not there": (table_of(b"T\xff\xff\xff\x7f"), "is cut short"),
    "bytes fewer than none": (table_of(b"T\xff\xff\xff\xff"), "is cut short"),
    "an empty stack": (b"\x80\x02.", "is damaged"),
    "a memo that is empty": (table_of(b"h\x07"), "is damaged"),
    "a key that is none": (b"\x80\x02}K\1K\2s.", "is damaged"),
    "a key without value": (b"\x80\x02}(U\1au.", "is damaged"),
    "a name that has no end": (table_of(b"c" + b"x" * 500), "is damaged"),
    "text that is none": (table_of(b"\x8c\2\xff\xff"), "is damaged"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_no_batch_needs_is_refused(case: str) -> None:
    data, message = REFUSED[case]
    with pytest.raises(DataSetError, match=f"^a_batch .*({message})"):
        read(data)


BOUNDED = {
    "a high memo index": (table_of(b"K\1r\xff\xff\xff\xff"), None),
    "lists in lists": (table_of(b"]" * 200_000 + b"a" * 199_999), None),
    "tuples in tuples": (table_of(b")" + b"\x85" * 200_000), None),
    "a tuple that doubles": (table_of(b")" + b"q\0h\0\x86" * 100), None),
    "a list that holds itself": (table_of(b"]q\0h\0a"), None),
    "many instructions": (table_of(b"]" * (8 * MIB)), f"more than {MAX_OPERATIONS:,} instructions"),
    "much text": (
        table_of((b"X" + struct.pack("<I", MIB) + b"\xf0\x9f\x98\x80" + b"a" * (MIB - 4)) * 40),
        f"more than {MAX_TEXT_BYTES:,} bytes of text",
    ),
}


@pytest.mark.parametrize("case", BOUNDED)
def test_memory_and_depth_are_bounded(case: str) -> None:
    data, message = BOUNDED[case]
    tracemalloc.start()
    try:
        if message is None:
            assert "a" in read(data)
        else:
            with pytest.raises(DataSetError, match=message):
                read(data)
        assert tracemalloc.get_traced_memory()[1] < 150 * MIB
    finally:
        tracemalloc.stop()


def test_a_file_over_the_limit_is_not_looked_at() -> None:
    with pytest.raises(DataSetError, match=r"a_batch is too large: 1,001 bytes; the limit is 1,000"):
        read(b"\x80" * 1001, max_bytes=1000)


def test_every_cut_of_a_batch_is_refused() -> None:
    data = pickled(random_rows("cifar100", 2, seed=2))
    for length in range(len(data)):
        with pytest.raises(DataSetError, match=r"is cut short|is damaged"):
            read(data[:length])


def test_the_awkward_pickles_do_nothing(test_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataSetError, match=r"asks for os\.mkdir"):
        read((test_data / "awkward/archives/malicious_batch.pkl").read_bytes())
    assert not list(tmp_path.iterdir())
    found = read((test_data / "awkward/archives/python3_protocol4_str_keys").read_bytes())
    assert isinstance(found["data"], np.ndarray)
    assert found["data"].shape == (20, 3072)
