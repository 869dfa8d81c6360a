"""What an experiment says: findings, and how its run is drained."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import TypeVar

ResultT = TypeVar("ResultT")


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Whether one claim of the lecture holds on one run, and the numbers that say so.

    `claim` is an id of the lecture's claims ("A4") or of a known misreading ("E9"); `values` are
    the measured numbers and the bar they are held against, by name.
    """

    claim: str
    holds: bool
    values: Mapping[str, float]


def drain(steps: Generator[float, None, ResultT]) -> ResultT:
    """Run a generator to its end and return its result.

    A long experiment is such a generator: it yields the share of the work that is done, so that
    whoever drains it can show progress or stop.
    """
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value
