"""How CIFAR-10 and CIFAR-100 are distributed: their files, and their classes in the order of the labels."""

from dataclasses import dataclass
from typing import Literal

from ml.datasets import checksums

Variant = Literal["cifar10", "cifar100"]

CIFAR10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

_FINE = """
    apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle
    caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant
    flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree
    motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate
    poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake spider
    squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle
    wardrobe whale willow_tree wolf woman worm
"""
CIFAR100_FINE_CLASSES = tuple(_FINE.split())

_COARSE = """
    aquatic_mammals fish flowers food_containers fruit_and_vegetables household_electrical_devices household_furniture
    insects large_carnivores large_man-made_outdoor_things large_natural_outdoor_scenes large_omnivores_and_herbivores
    medium_mammals non-insect_invertebrates people reptiles small_mammals trees vehicles_1 vehicles_2
"""
CIFAR100_COARSE_CLASSES = tuple(_COARSE.split())


@dataclass(frozen=True, slots=True)
class Names:
    """A file of class names: for which of the labels, and under which key where it is a pickle."""

    file: str
    label_key: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class Layout:
    """A variant. `batches` are its files (in the binary version they end in .bin as well) with the split of each.

    `classes` are its class names by the pickles' key of the labels, the fine ones first; `names` the files that may
    state others.
    """

    title: str
    folders: tuple[str, ...]
    batches: dict[str, str]
    classes: dict[str, tuple[str, ...]]
    names: tuple[Names, ...]
    md5: dict[str, str]


LAYOUTS: dict[Variant, Layout] = {
    "cifar10": Layout(
        title="CIFAR-10",
        folders=("cifar-10-batches-bin", "cifar-10-batches-py"),
        batches={**{f"data_batch_{number}": "train" for number in range(1, 6)}, "test_batch": "test"},
        classes={"labels": CIFAR10_CLASSES},
        names=(Names("batches.meta", "labels", "label_names"), Names("batches.meta.txt", "labels")),
        md5=checksums.CIFAR10,
    ),
    "cifar100": Layout(
        title="CIFAR-100",
        folders=("cifar-100-binary", "cifar-100-python"),
        batches={"train": "train", "test": "test"},
        classes={"fine_labels": CIFAR100_FINE_CLASSES, "coarse_labels": CIFAR100_COARSE_CLASSES},
        names=(
            Names("meta", "fine_labels", "fine_label_names"),
            Names("meta", "coarse_labels", "coarse_label_names"),
            Names("fine_label_names.txt", "fine_labels"),
            Names("coarse_label_names.txt", "coarse_labels"),
        ),
        md5=checksums.CIFAR100,
    ),
}
