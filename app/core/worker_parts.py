"""How a task gets at what its worker stands on."""

from typing import TypeVar

from procrastinate import JobContext

T = TypeVar("T")


def part(context: JobContext, kind: type[T]) -> T:
    """The one object of this type that the worker put into every job's context (Database, BlobStore, …)."""
    for value in context.additional_context.values():
        if isinstance(value, kind):
            return value
    raise TypeError(f"the worker was started without its {kind.__name__}")
