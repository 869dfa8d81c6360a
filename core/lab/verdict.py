"""Verdicts: from measured numbers to one of three outcomes, with a margin.

What one seed gave decides nothing that its own scatter could turn around. Compared cases are paired
over seeds (same draws), and the spread of their differences gives the margin.
"""

import numpy as np

from core.lab.finding import Outcome

Array = np.ndarray

# Student's t for 95%, two-sided, by degrees of freedom from 1; beyond the last, the normal's.
T95 = (
    *(12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23),
    *(2.20, 2.18, 2.16, 2.14, 2.13, 2.12, 2.11, 2.10, 2.09, 2.09),
)
NORMAL95 = 1.96


def decided(holds: bool | np.bool_) -> Outcome:
    """Return the outcome of a condition that leaves no room for scatter, such as an identity."""
    return Outcome.HOLDS if holds else Outcome.FAILS


def above(value: float, bar: float, margin: float) -> Outcome:
    """Hold one number against a bar: not clear where it lies within the margin of it.

    margin: what the number scatters by from seed to seed, fixed beforehand from many seeds.
    """
    if abs(value - bar) < margin or np.isnan(value):
        return Outcome.UNCLEAR
    return decided(value > bar)


def interval(values: Array) -> tuple[float, float]:
    """Return the 95% confidence interval of the mean of values (seeds,), at least two."""
    if len(values) < 2:
        raise ValueError(f"an interval needs at least two seeds, got {len(values)}")
    mean, freedom = float(np.mean(values)), len(values) - 1
    t = T95[freedom - 1] if freedom <= len(T95) else NORMAL95
    half = t * float(np.std(values, ddof=1)) / len(values) ** 0.5
    return mean - half, mean + half


def above_over_seeds(values: Array, bar: float = 0.0) -> Outcome:
    """Tell whether the mean of values (seeds,) is above the bar, by its 95% interval.

    values: one number per seed, for a comparison the paired differences. What is not finite on any
    seed cannot be averaged: not clear.
    """
    if not np.isfinite(values).all():
        return Outcome.UNCLEAR
    low, high = interval(values)
    if low > bar:
        return Outcome.HOLDS
    return Outcome.FAILS if high < bar else Outcome.UNCLEAR


def both(*outcomes: Outcome) -> Outcome:
    """Return the outcome of a claim with several parts: it fails with any of them."""
    for outcome in (Outcome.FAILS, Outcome.UNCLEAR):
        if outcome in outcomes:
            return outcome
    return Outcome.HOLDS


def opposite(outcome: Outcome) -> Outcome:
    """Return the outcome of the claim's negation."""
    swapped = {Outcome.HOLDS: Outcome.FAILS, Outcome.FAILS: Outcome.HOLDS}
    return swapped.get(outcome, outcome)


def epochs_to(target: float, accuracy: Array, every: float = 1.0) -> Array:
    """Return (...): after how many epochs each run first reaches the target; inf if it never does.

    accuracy: (..., moments), the first one before training, one every `every` epochs. Between two
    moments it is taken to move on a straight line.
    """
    reached = accuracy >= target
    first = reached.argmax(axis=-1)
    after = np.take_along_axis(accuracy, first[..., None], -1)[..., 0]
    before = np.take_along_axis(accuracy, np.maximum(first - 1, 0)[..., None], -1)[..., 0]
    rise = np.where(after > before, after - before, 1)
    crossed = first - np.clip((after - target) / rise, 0, 1) * (first > 0)
    return np.where(reached.any(axis=-1), crossed * every, np.inf)


def later(epochs: Array, other: Array, end: float, factor: float = 1.0) -> Outcome:
    """Tell whether runs need more than `factor` times the epochs of others, paired over seeds.

    epochs, other: (seeds,), inf for a run that has not arrived when training ends, after `end`
    epochs. Such a run counts as arriving then, which understates what it needs: an outcome that
    this could turn around is not clear.
    """
    never, other_never = np.isinf(epochs), np.isinf(other)
    if never.all() and not other_never.any():
        return Outcome.HOLDS
    if other_never.all() and not never.any():
        return Outcome.FAILS
    ratios = np.log(np.minimum(epochs, end) / np.minimum(other, end))
    outcome = above_over_seeds(ratios, float(np.log(factor)))
    understated = other_never if outcome is Outcome.HOLDS else never
    return Outcome.UNCLEAR if understated.any() else outcome
