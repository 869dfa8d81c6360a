"""Work in parts: runs that yield the share done, as parts of a longer one."""

from collections.abc import Generator
from typing import TypeVar

T = TypeVar("T")


def portion(
    work: Generator[float, None, T], start: float, share: float
) -> Generator[float, None, T]:
    """Drain a part of the work, yielding the share done of the whole; return what it returns."""
    while True:
        try:
            yield start + share * next(work)
        except StopIteration as stop:
            result: T = stop.value
            return result
