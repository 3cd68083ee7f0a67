"""The MD5 of the official files, and whether a file at hand is one of them.

MD5 tells a damaged copy and another cut of a data set; it is no defence against somebody who forges one.
"""

import hashlib
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from ml.datasets.items import DataSetError

md5 = partial(hashlib.md5, usedforsecurity=False)

# CIFAR: https://www.cs.toronto.edu/~kriz/cifar.html. STL-10: torchvision's stl10.py.
# COCO: PaddleDetection's downloader.
ARCHIVES = {
    "cifar-10-python.tar.gz": "c58f30108f718f92721af3b95e74349a",
    "cifar-10-binary.tar.gz": "c32a1d4ab5d03f1284b67883e8d87530",
    "cifar-100-python.tar.gz": "eb9058c3a382ffc7106e4002c42a8d85",
    "cifar-100-binary.tar.gz": "03b5dce01913d631647c71ecec9e9cb8",
    "stl10_binary.tar.gz": "91f7769df0f17e558f3565bffb0c7dfb",
    "val2017.zip": "442b8da7639aecaf257c1dceb8ba8c80",
    "train2017.zip": "cced6f7f71b7629ddf16f17bbcfab6b2",
    "annotations_trainval2017.zip": "f4bbac642086de4f52a3fdda2de5fa2c",
}

# The files inside, as torchvision's cifar.py and stl10.py state them. None are known for CIFAR's binary files.
CIFAR10 = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
    "batches.meta": "5ff9c542aee3614f3951f8cda6e48888",
}
CIFAR100 = {
    "train": "16019d7e3df5f24257cddd939b257f8d",
    "test": "f0ef6b0ae62326f3e7ffdfab6717acfc",
    "meta": "7973b15100ade9c7d40fb424638fde48",
}
STL10 = {
    "train_X.bin": "918c2871b30a85fa023e0c44e0bee87f",
    "train_y.bin": "5a34089d4802c674881badbb80307741",
    "test_X.bin": "7f263ba9f9e0b06b93213547f721ac82",
    "test_y.bin": "36f9794fa4beb8a2c72628de14fa638e",
    "unlabeled_X.bin": "5242ba1fed5e4be9e1e742405eb56ca4",
}


def md5_of_file(file: Path) -> str:
    """The MD5 of a file's bytes, in hexadecimal, read piece by piece. Raises OSError."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, md5).hexdigest()


def compare(name: str, found: str, official: Mapping[str, str]) -> str:
    """What is to be said of a file with the MD5 `found`: one plain line."""
    if name not in official:
        return f"{name}: no official MD5 is known for this file"
    if found == official[name]:
        return f"{name}: MD5 confirmed"
    return f"{name}: MD5 differs from the official one (another cut or order of the data set)"


def compare_archive(path: Path) -> str:
    """As `compare`, of an archive, whatever its name. Raises DataSetError when it cannot be read."""
    try:
        found = md5_of_file(path)
    except OSError as error:
        raise DataSetError(f"{path} cannot be read: {error.strerror}") from error
    return f"{path.name}: MD5 confirmed" if found in ARCHIVES.values() else compare(path.name, found, ARCHIVES)
