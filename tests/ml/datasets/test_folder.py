"""Folders of pictures: which files, in which order, with which labels."""

import os
from pathlib import Path

import pytest

from ml.datasets.folder import read_folder
from ml.datasets.items import DataSetError, Flaw, Item


def lay_out(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())
    return root


def table(root: Path, text: str, name: str = "labels.csv") -> Path:
    (root / name).write_text(text, encoding="utf-8")
    return root / name


def read(root: Path, labels_from: Path | None = None) -> tuple[dict[str, Item], list[Flaw]]:
    """The items by source, and the flaws; `total` is their number."""
    found = read_folder(root, labels_from)
    entries = list(found.items)
    assert found.total == len(entries)
    items = {entry.source: entry for entry in entries if isinstance(entry, Item)}
    return items, [entry for entry in entries if isinstance(entry, Flaw)]


def test_files_come_sorted_and_hidden_ones_stay_out(tmp_path: Path) -> None:
    lay_out(
        tmp_path,
        "b.jpg",
        "a/z.jpg",
        "a/y.gif",
        "a/y.txt",
        "x.CSV",
        ".DS_Store",
        ".git/x.jpg",
        "__MACOSX/._b.jpg",
        "a/.thumb.jpg",
        "Thumbs.db",
    )
    items, flaws = read(tmp_path)
    assert list(items) == ["a/y.gif", "a/z.jpg", "b.jpg"]
    assert [item.name for item in items.values()] == ["y.gif", "z.jpg", "b.jpg"]
    assert items["a/z.jpg"].content == tmp_path / "a/z.jpg"
    assert all(item.labels == () for item in items.values())
    assert flaws == []


def test_links_are_not_followed_out_of_the_folder_nor_in_circles(tmp_path: Path) -> None:
    outside = lay_out(tmp_path / "outside", "secret.jpg")
    root = lay_out(tmp_path / "root", "real.jpg")
    (root / "leak.jpg").symlink_to(outside / "secret.jpg")
    (root / "leak").symlink_to(outside)
    (root / "circle").symlink_to(root)
    (root / "alias.jpg").symlink_to(root / "real.jpg")
    (root / "broken.jpg").symlink_to(root / "gone.jpg")
    os.mkfifo(root / "pipe.jpg")
    assert list(read(root)[0]) == ["alias.jpg", "real.jpg"]


def test_a_folder_that_cannot_be_read_costs_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = lay_out(tmp_path, "a/x.jpg", "b/x.jpg")
    scandir = os.scandir

    def refuse(path: str) -> object:
        if path.endswith("/a/"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    items, flaws = read(root)
    assert list(items) == ["b/x.jpg"]
    assert flaws == [Flaw("a/", "this folder cannot be read: Permission denied")]


def test_folders_in_folders_without_end_are_gone_into(tmp_path: Path) -> None:
    depth = 400
    lay_out(tmp_path, "x/" * depth + "deep.jpg")
    assert list(read(tmp_path)[0]) == ["x/" * depth + "deep.jpg"]


def test_names_that_no_text_can_hold_are_shown_without_what_disturbs(tmp_path: Path) -> None:
    (tmp_path / "line\nbreak.jpg").touch()
    (tmp_path / "right\u202egpj.jpg").touch()
    (tmp_path / os.fsdecode(b"latin\xe9.jpg")).touch()
    (tmp_path / "\U0001f469\u200d\U0001f4bb größe.jpg").touch()
    items, _ = read(tmp_path)
    assert set(items) == {"latin�.jpg", "line�break.jpg", "right�gpj.jpg", "\U0001f469\u200d\U0001f4bb größe.jpg"}
    content = items["latin�.jpg"].content
    assert isinstance(content, Path)
    assert content.is_file()


def test_labels_are_the_folders_the_nearest_first(tmp_path: Path) -> None:
    lay_out(tmp_path, "caltech101/anchor/x.jpg", "loose.jpg")
    labels = {item.source: item.labels for item in read_folder(tmp_path, "folder").items if isinstance(item, Item)}
    assert labels == {"caltech101/anchor/x.jpg": ("anchor", "caltech101"), "loose.jpg": ()}


def test_a_csv_names_files_from_its_own_place_from_the_folder_or_barely(tmp_path: Path) -> None:
    root = lay_out(tmp_path / "pictures", "sub/a.jpg", "sub/b.jpg", "c.jpg", "unnamed.jpg")
    csv = table(
        tmp_path,
        "Filename,Labels,Caption\npictures/sub/a.jpg,cat; dog,A pair\n./sub/b.jpg,cat\nc.jpg,one,\nc.jpg,two,\n",
    )
    items, flaws = read(root, csv)
    assert items["sub/a.jpg"].labels == ("cat", "dog")
    assert items["sub/a.jpg"].captions == ("A pair",)
    assert items["sub/b.jpg"].labels == ("cat",)
    assert items["c.jpg"].labels == ("one", "two")
    assert items["unnamed.jpg"].labels == ()
    assert flaws == []


def test_captions_of_several_rows_are_kept_and_labels_may_be_absent(tmp_path: Path) -> None:
    csv = table(lay_out(tmp_path, "a.jpg"), "file_name,text\na.jpg,One.\na.jpg,Two.\na.jpg,One.\n", "metadata.csv")
    assert read(tmp_path, csv)[0]["a.jpg"].captions == ("One.", "Two.")


def test_a_jsonl_holds_texts_or_lists(tmp_path: Path) -> None:
    lines = table(
        lay_out(tmp_path, "a.jpg", "b.jpg", "c.jpg"),
        '\ufeff{"file": "a.jpg", "label": "cat", "caption": "One."}\n\n'
        '{"file_name": "./b.jpg", "labels": ["cat", "dog", 7], "captions": ["One.", "Two."], "other": {"x": []}}\n'
        '{"path": "c.jpg", "text": "Three; in one."}\n',
        "labels.jsonl",
    )
    items, flaws = read(tmp_path, lines)
    assert (items["a.jpg"].labels, items["a.jpg"].captions) == (("cat",), ("One.",))
    assert (items["b.jpg"].labels, items["b.jpg"].captions) == (("cat", "dog", "7"), ("One.", "Two."))
    assert items["c.jpg"].captions == ("Three; in one.",)
    assert flaws == []


def test_broken_lines_of_a_jsonl_are_told_by_their_number(tmp_path: Path) -> None:
    deep = "[" * 100_000
    lines = table(
        lay_out(tmp_path, "a.jpg"),
        '{"file": "a.jpg", "label": "cat"}\n{"file": "a.jpg"\n["a.jpg"]\n{"label": "cat"}\n'
        f'{{"file": 5}}\n{{"file": "a.jpg", "labels": [["x"]]}}\n{deep}\n',
        "labels.jsonl",
    )
    items, flaws = read(tmp_path, lines)
    assert items["a.jpg"].labels == ("cat",)
    assert [flaw.source for flaw in flaws] == [f"labels.jsonl line {number}" for number in (2, 3, 4, 5, 6, 7)]
    assert [flaw.reason for flaw in flaws[:3]] == [
        "is not a JSON object",
        "is not a JSON object",
        "names no file: it has no text file or file_name or filename or path",
    ]


def test_broken_lines_of_a_csv_are_told_by_their_number(tmp_path: Path) -> None:
    csv = table(
        lay_out(tmp_path, "a.jpg", "b.jpg"),
        f"file,label\na.jpg,cat, sitting\n,dog\nb.jpg,{'x' * 200_000}\n\n,\nb.jpg,dog,,\n",
    )
    items, flaws = read(tmp_path, csv)
    assert items["a.jpg"].labels == ()
    assert items["b.jpg"].labels == ("dog",)
    assert [flaw.source for flaw in flaws] == [f"labels.csv line {number}" for number in (2, 3, 4)]
    assert flaws[0].reason == "has 3 cells for 2 columns; a cell with a comma in it needs quotes"
    assert flaws[1].reason == "names no file"
    assert flaws[2].reason.startswith("cannot be read: field larger than")


def test_the_table_of_labels_is_no_picture_whatever_its_name(tmp_path: Path) -> None:
    named = table(lay_out(tmp_path, "a.jpg"), "file,label\na.jpg,x\n").rename(tmp_path / "labels.list")
    assert list(read(tmp_path, named)[0]) == ["a.jpg"]


def test_rows_that_name_no_file_are_told(tmp_path: Path) -> None:
    csv = table(lay_out(tmp_path, "a.jpg"), "file,label\na.jpg,x\ngone.jpg,y\n")
    items, flaws = read(tmp_path, csv)
    assert items["a.jpg"].labels == ("x",)
    assert flaws == [Flaw("gone.jpg", f"labels.csv names it, but there is no such picture in {tmp_path}")]


def test_a_spreadsheet_byte_order_mark_is_ignored(tmp_path: Path) -> None:
    csv = table(lay_out(tmp_path, "a.jpg"), "\ufefffile,label\na.jpg,x\n")
    assert read(tmp_path, csv)[0]["a.jpg"].labels == ("x",)


@pytest.mark.parametrize(
    ("header", "found"), [("file,class", "file, class"), ("name,label", "name, label"), ("", "nothing")]
)
def test_a_missing_column_names_what_was_found(tmp_path: Path, header: str, found: str) -> None:
    with pytest.raises(DataSetError, match=f"found: {found}"):
        read_folder(tmp_path, table(tmp_path, header))


def test_a_table_that_is_no_table_names_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_bytes("file,label\nüber.jpg,x\n".encode("cp1252"))
    with pytest.raises(DataSetError, match=r"labels.csv is not UTF-8: save it again"):
        read_folder(tmp_path, tmp_path / "labels.csv")
    with pytest.raises(DataSetError, match=r"labels.jsonl tells of no file; a line is expected to be like"):
        read_folder(tmp_path, table(tmp_path, "hello\n", "labels.jsonl"))
    with pytest.raises(DataSetError, match=r"gone.csv cannot be read: No such file"):
        read_folder(tmp_path, tmp_path / "gone.csv")


def test_what_is_no_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataSetError, match=r"gone is not a folder"):
        read_folder(tmp_path / "gone")
