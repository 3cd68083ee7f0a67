"""Folders of pictures: which files, in which order, with which labels."""

from pathlib import Path

import pytest

from ml.datasets.folder import find_unmatched, read_folder, read_labels


def lay_out(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())
    return root


def table(root: Path, text: str, name: str = "labels.csv") -> Path:
    (root / name).write_text(text, encoding="utf-8")
    return root / name


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
    )
    items = list(read_folder(tmp_path))
    assert [item.source for item in items] == ["a/y.gif", "a/z.jpg", "b.jpg"]
    assert [item.name for item in items] == ["y.gif", "z.jpg", "b.jpg"]
    assert items[1].read() == b"a/z.jpg"
    assert all(item.labels == () for item in items)


def test_links_are_not_followed_out_of_the_folder_nor_in_circles(tmp_path: Path) -> None:
    outside = lay_out(tmp_path / "outside", "secret.jpg")
    root = lay_out(tmp_path / "root", "real.jpg")
    (root / "leak.jpg").symlink_to(outside / "secret.jpg")
    (root / "leak").symlink_to(outside)
    (root / "circle").symlink_to(root)
    (root / "alias.jpg").symlink_to(root / "real.jpg")
    (root / "broken.jpg").symlink_to(root / "gone.jpg")
    assert [item.source for item in read_folder(root)] == ["alias.jpg", "real.jpg"]


def test_labels_are_the_folders_the_nearest_first(tmp_path: Path) -> None:
    lay_out(tmp_path, "caltech101/anchor/x.jpg", "loose.jpg")
    labels = {item.source: item.labels for item in read_folder(tmp_path, "folder")}
    assert labels == {"caltech101/anchor/x.jpg": ("anchor", "caltech101"), "loose.jpg": ()}


def test_a_csv_names_files_from_its_own_place_from_the_folder_or_barely(tmp_path: Path) -> None:
    root = lay_out(tmp_path / "pictures", "sub/a.jpg", "sub/b.jpg", "c.jpg", "unnamed.jpg")
    csv = table(
        tmp_path,
        "Filename,Labels,Caption\npictures/sub/a.jpg,cat; dog,A pair\n./sub/b.jpg,cat,\nc.jpg,one,\nc.jpg,two,\n",
    )
    items = {item.source: item for item in read_folder(root, csv)}
    assert items["sub/a.jpg"].labels == ("cat", "dog")
    assert items["sub/a.jpg"].caption == "A pair"
    assert items["sub/b.jpg"].labels == ("cat",)
    assert items["c.jpg"].labels == ("one", "two")
    assert items["unnamed.jpg"].labels == ()


def test_the_table_of_labels_is_no_picture_whatever_its_name(tmp_path: Path) -> None:
    named = table(lay_out(tmp_path, "a.jpg"), "file,label\na.jpg,x\n").rename(tmp_path / "labels.list")
    assert [item.source for item in read_folder(tmp_path, named)] == ["a.jpg"]


def test_rows_that_name_no_file_are_reported(tmp_path: Path) -> None:
    csv = table(lay_out(tmp_path, "a.jpg"), "file,label\na.jpg,x\ngone.jpg,y\n")
    assert find_unmatched(tmp_path, csv) == ["gone.jpg"]


def test_a_spreadsheet_byte_order_mark_is_ignored(tmp_path: Path) -> None:
    csv = table(tmp_path, "\ufefffile,label\na.jpg,x\n")
    assert read_labels(csv)["a.jpg"].labels == ("x",)


@pytest.mark.parametrize(
    ("header", "found"), [("file,class", "file, class"), ("name,label", "name, label"), ("", "nothing")]
)
def test_a_missing_column_names_what_was_found(tmp_path: Path, header: str, found: str) -> None:
    with pytest.raises(ValueError, match=f"found: {found}"):
        list(read_folder(tmp_path, table(tmp_path, header)))


def test_what_is_no_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotADirectoryError, match=r"gone is not a folder"):
        list(read_folder(tmp_path / "gone"))
