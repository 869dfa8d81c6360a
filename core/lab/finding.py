"""What an experiment says: a finding for each claim that its run measured."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """The three ways in which a claim can come out."""

    HOLDS = "holds"
    FAILS = "fails"
    UNCLEAR = "unclear"  # this run cannot decide: the numbers lie within their margin


@dataclass(frozen=True, kw_only=True)
class Finding:
    """How one claim comes out on one run, and the numbers that say so.

    claim: an id of the lecture's claims ("A4") or of a known misreading ("E9"). values: the
    measured numbers, finite, and the bar they are held against, by name; a string where a number
    would mislead ("never"). misreading: it is circulating notes' and not the lecture's. identity:
    it holds by construction, and the numbers only check that to rounding. because: which of several
    reasons applied, for a claim that can fail or be unclear in several ways.
    """

    claim: str
    outcome: Outcome
    values: Mapping[str, Any]
    misreading: bool = False
    identity: bool = False
    because: str = ""

    @property
    def holds(self) -> bool:
        """Tell whether it holds; False also where it is not clear."""
        return self.outcome is Outcome.HOLDS

    def __str__(self) -> str:
        """Return claim and outcome, as the conditions of questions are written: "A4 holds"."""
        return f"{self.claim} {self.outcome}"
