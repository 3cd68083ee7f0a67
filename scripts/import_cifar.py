"""Imports CIFAR-10 or CIFAR-100 into the gallery: `import_cifar.py cifar10 PATH`, as `likeness import cifar10 PATH`."""

import click

from app.ingest.commands_datasets import cifar10, cifar100
from app.worker import settle


@click.group()
def main() -> None:
    """Imports CIFAR-10 or CIFAR-100 into the gallery."""


main.add_command(cifar10)
main.add_command(cifar100)

if __name__ == "__main__":
    main(obj=settle, help_option_names=["-h", "--help"])
