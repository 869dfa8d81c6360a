"""The doctor: what a training's curves say is wrong with it, by which numbers, and what to try.

A few rules in a fixed order; the first that applies names the cause. What a run has no record of is
None, and the doctor says what it cannot tell without it. Bars were fixed on runs whose cause was
known (digits, spirals, colour images); tests/lab/test_doctor.py judges the rules on others.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from core.lab.say import say
from core.lab.words import read_toml
from core.nn.divergence import EXPLODED
from core.nn.record import Record

Array = np.ndarray
Sign = tuple[str, dict[str, float]]  # which sign of a cause was seen, and its numbers

LEAST_MOMENTS, LEAST_EPOCHS = 4, 2  # of a run; in less nothing but the worst can be told
LOST = 0.9  # of the loss of guessing: a run that exploded and stays above does not come back
DEAD_AT_START, DEAD = 0.35, 0.6  # of a layer's units
SATURATED = 0.6  # of a layer's outputs
BEGUN = 0.25  # of the run, left out where the loss is asked to be calm
PARTS = 30  # of it, whose mean losses are compared
JUMPS = 0.007  # of the loss of guessing, back and forth from one part to the next
GUESSES = 0.006  # from the loss of guessing, of that: the network tells nothing apart yet
FLAT, PLATEAU = 0.03, 0.05  # of the loss of guessing; of the run
GAP, LOSS_GAP = 0.07, 0.2  # between the accuracies; between the losses, of that of guessing
SMALL_UPDATE = 5e-3  # beside the weights, the largest of a run
STEADY = 0.15  # of the fall of the loss, in the last quarter of a run
LEARNED, LEARNED_LOSS = 0.95, 0.2  # of the training data right; of the loss of guessing
LAST = 0.25  # of the run, in which the loss of the end is taken
MOST_CLASSES = 20  # that a first loss is searched for where their number is not known
RECORDED = ("val_loss", "train_accuracy", "val_accuracy", "update_ratio", "dead", "saturated")


class Cause(StrEnum):
    """What can be wrong with a training, or nothing."""

    SLOW = "slow"
    GOOD = "good"
    HIGH = "high"
    DIVERGED = "diverged"
    START = "start"
    OVERFITTING = "overfitting"
    UNDERFITTING = "underfitting"
    DYING = "dying"
    SATURATING = "saturating"
    UNSURE = "unsure"


@dataclass(frozen=True, eq=False, kw_only=True)
class Curves:
    """What is known about one run; None for what it has no record of.

    epoch: (moments,) rising; a run that is recorded before its first update begins at 0. The losses
    and accuracies: (moments,). update_ratio: (moments, layers), NaN where there is none; dead,
    saturated: (moments, hidden layers) share of units and of outputs. batch_loss: (steps,) of every
    batch. classes: how many there are.
    ValueError for arrays that do not fit.
    """

    epoch: Array
    train_loss: Array | None = None
    val_loss: Array | None = None
    train_accuracy: Array | None = None
    val_accuracy: Array | None = None
    update_ratio: Array | None = None
    dead: Array | None = None
    saturated: Array | None = None
    batch_loss: Array | None = None
    classes: int | None = None

    def __post_init__(self) -> None:
        moments = len(self.epoch)
        if not moments:
            raise ValueError("epoch must have a moment, got none")
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in ("batch_loss", "classes") or value is None:
                continue
            if len(value) != moments:
                raise ValueError(f"{field.name} must have {moments} moments, got {len(value)}")


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """What is wrong with a run. sign: by which of its signs; values: the numbers relied on.

    lacks: names of what the run has no record of.
    """

    cause: Cause
    sign: str
    values: Mapping[str, float]
    lacks: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Note:
    """A diagnosis in words: a name, what was seen, what to try, and what cannot be told."""

    name: str
    seen: str
    advice: str
    lacks: tuple[str, ...]


def curves_of(records: Sequence[Record], classes: int, run: int | tuple[()] = ()) -> Curves:
    """Return what records of a training have about one run of a stack, or about a single one."""
    names = {"train_loss": "data_loss", **{n: n for n in RECORDED}}
    seen = {n: np.stack([getattr(r, field)[run] for r in records]) for n, field in names.items()}
    return Curves(
        epoch=np.array([record.epoch for record in records]),
        batch_loss=np.concatenate([record.batch_loss[run] for record in records]),
        update_ratio=seen.pop("update_ratio"),
        classes=classes,
        **{name: None if np.isnan(array[0]).all() else array for name, array in seen.items()},
    )


@np.errstate(all="ignore")
def diagnose(curves: Curves) -> Diagnosis:
    """Return the cause that the first rule to apply names, "unsure" where none does."""
    lacks = tuple(name for name, missing in LACKS.items() if missing(curves))
    for cause, rule in RULES:
        if sign := rule(curves):
            return Diagnosis(cause=cause, sign=sign[0], values=sign[1], lacks=lacks)
    return Diagnosis(cause=Cause.UNSURE, sign="unknown", values={}, lacks=lacks)


def note(diagnosis: Diagnosis) -> Note:
    """Say a diagnosis in words."""
    cause = _words()["causes"][diagnosis.cause]
    return Note(
        name=cause["name"],
        seen=say(cause["seen"][diagnosis.sign], diagnosis.values),
        advice=cause["advice"],
        lacks=tuple(_words()["lacks"][name] for name in diagnosis.lacks),
    )


def name_of_cause(cause: Cause) -> str:
    """Return what a cause is called."""
    return str(_words()["causes"][cause]["name"])


@cache
def _words() -> dict[str, Any]:
    words: dict[str, Any] = read_toml(Path(__file__).with_name("en.toml"))["doctor"]
    return words


def _guessing(curves: Curves) -> float:
    """Return the loss of guessing, or the first loss where the number of classes is not known."""
    assert curves.train_loss is not None
    return float(curves.train_loss[0]) if curves.classes is None else float(np.log(curves.classes))


def _end(curves: Curves) -> float:
    """Return the median of the training loss at the end, beside that of guessing."""
    assert curves.train_loss is not None
    last = max(1, round(LAST * len(curves.epoch)))
    return float(np.median(curves.train_loss[-last:]) / _guessing(curves))


def _last(values: Array | None) -> float | None:
    """Return the last value that is a number; None where there is none."""
    finite = np.empty(0) if values is None else values[np.isfinite(values)]
    return float(finite[-1]) if finite.size else None


def _rise(loss: Array) -> float:
    """Return how many times the first loss the highest one is."""
    return float(loss.max() / loss[0]) if loss[0] > 0 else 1.0


def _has_learned(curves: Curves) -> bool | None:
    """Tell whether nearly all of the training data are right in the end; None: not known."""
    if (right := _last(curves.train_accuracy)) is not None:
        return right > LEARNED
    return None if curves.train_loss is None else _end(curves) < LEARNED_LOSS


def _worst_layer(shares: Array | None, moment: int, bar: float, sign: str) -> Sign | None:
    """Tell whether one hidden layer's share is above a bar at a moment."""
    if shares is None or not shares.shape[1] or not shares[moment].max() > bar:
        return None
    worst = int(shares[moment].argmax())
    return sign, {"share": float(shares[moment, worst]), "layer": worst + 1}


def _diverged(curves: Curves) -> Sign | None:
    loss = curves.train_loss
    if loss is None:
        return None
    losses = loss if curves.batch_loss is None else np.append(curves.batch_loss, loss[-1])
    broken = ~np.isfinite(losses)
    if broken.any():
        return "not_finite", {"share": float(broken.argmax() / len(losses))}
    times = _rise(loss)
    return ("exploded", {"times": times}) if times > EXPLODED and _end(curves) > LOST else None


def _killed(curves: Curves) -> Sign | None:
    """Units that were on at first and are all off: a rate so high that one update does it."""
    dead, loss = curves.dead, curves.train_loss
    if dead is None or loss is None or dead[0].max(initial=0) > DEAD_AT_START:
        return None
    return _worst_layer(dead, -1, DEAD, "killed") if _end(curves) > LOST else None


def _dying_at_start(curves: Curves) -> Sign | None:
    return _worst_layer(curves.dead, 0, DEAD_AT_START, "at_start")


def _saturating(curves: Curves) -> Sign | None:
    return _worst_layer(curves.saturated, 0, SATURATED, "at_start")


def _dying(curves: Curves) -> Sign | None:
    return _worst_layer(curves.dead, -1, DEAD, "at_end")


def _too_early(curves: Curves) -> Sign | None:
    moments = len(curves.epoch)
    if moments >= LEAST_MOMENTS and curves.epoch[-1] >= LEAST_EPOCHS:
        return None
    least = {"least_moments": LEAST_MOMENTS, "least_epochs": LEAST_EPOCHS}
    return "early", {"moments": moments, **least}


def _high(curves: Curves) -> Sign | None:
    loss = curves.train_loss
    if loss is None or (_has_learned(curves) and _end(curves) < LEARNED_LOSS):
        return None
    times = _rise(loss)
    if times > EXPLODED:
        return "exploded", {"times": times}
    jumps = _back_and_forth(loss[int(BEGUN * len(loss)) :])
    if jumps > JUMPS * _guessing(curves):
        return "rough", {"jumps": jumps, "lowest": float(loss.min()), "end": float(loss[-1])}
    return None


def _back_and_forth(loss: Array) -> float:
    """Return how far a loss goes back and forth from one part of a run to the next, on average.

    Of two moves that follow each other in opposite directions the smaller one counts. Parts, so
    that it matters little how often a run was recorded.
    """
    parts = np.array_split(loss, min(len(loss), PARTS))
    moves = np.diff([part.mean() for part in parts])
    before, after = moves[:-1], moves[1:]
    turns = np.sign(before) != np.sign(after)
    return float((np.minimum(np.abs(before), np.abs(after)) * turns).mean())


def _start(curves: Curves) -> Sign | None:
    loss = curves.train_loss
    if loss is None:
        return None
    # Of the numbers of classes that are likely, one may have the first loss as that of guessing.
    classes = np.arange(2, MOST_CLASSES + 1) if curves.classes is None else [curves.classes]
    guessing = min(np.log(classes).tolist(), key=lambda each: abs(each - loss[0]))
    flat = np.abs(loss / guessing - 1) < FLAT
    until = len(loss) - 1 if flat.all() else max(int(flat.argmin()) - 1, 0)
    length = curves.epoch[-1] - curves.epoch[0]
    share = float((curves.epoch[until] - curves.epoch[0]) / length)
    if abs(loss[0] / guessing - 1) < GUESSES and share >= PLATEAU:
        return "flat", {"guessing": guessing, "share": share}
    return None


def _overfitting(curves: Curves) -> Sign | None:
    if not _has_learned(curves):
        return None
    train, val = _last(curves.train_accuracy), _last(curves.val_accuracy)
    if train is not None and val is not None:
        return ("gap", {"train": train, "val": val}) if train - val > GAP else None
    train, val = _last(curves.train_loss), _last(curves.val_loss)
    if train is not None and val is not None and val - train > LOSS_GAP * _guessing(curves):
        return "loss_gap", {"train": train, "val": val}
    return None


def _slow(curves: Curves) -> Sign | None:
    if _has_learned(curves) is not False:
        return None
    if curves.update_ratio is not None:
        ratio = float(np.nan_to_num(np.median(curves.update_ratio, axis=-1)).max())
        return ("ratio", {"ratio": ratio, "usual": SMALL_UPDATE}) if ratio < SMALL_UPDATE else None
    if curves.train_loss is None:
        return None
    half = np.array_split(curves.train_loss, 2)[1]
    before, after = (part.mean() for part in np.array_split(half, 2))
    falls = float((before - after) / (curves.train_loss[0] - after))
    return ("falling", {"share": falls, "end": float(after)}) if 1 > falls > STEADY else None


def _underfitting(curves: Curves) -> Sign | None:
    if _has_learned(curves) is not False:
        return None
    if (train := _last(curves.train_accuracy)) is not None:
        return "low", {"train": train}
    assert curves.train_loss is not None
    return "high_loss", {"end": float(curves.train_loss[-1])}


def _good(curves: Curves) -> Sign | None:
    if not _has_learned(curves):
        return None
    train, val = _last(curves.train_accuracy), _last(curves.val_accuracy)
    if train is None:
        assert curves.train_loss is not None
        return "low_loss", {"end": float(curves.train_loss[-1])}
    if val is None:
        return "trained", {"train": train}
    return "learned", {"train": train, "val": val}


Rule = Callable[[Curves], Sign | None]
RULES: tuple[tuple[Cause, Rule], ...] = (
    (Cause.DIVERGED, _diverged),
    (Cause.DYING, _dying_at_start),
    (Cause.SATURATING, _saturating),
    (Cause.UNSURE, _too_early),
    (Cause.START, _start),
    (Cause.DIVERGED, _killed),
    (Cause.HIGH, _high),
    (Cause.DYING, _dying),
    (Cause.OVERFITTING, _overfitting),
    (Cause.SLOW, _slow),
    (Cause.UNDERFITTING, _underfitting),
    (Cause.GOOD, _good),
)
LACKS: Mapping[str, Callable[[Curves], Any]] = {
    "train_loss": lambda curves: curves.train_loss is None,
    "train_accuracy": lambda curves: curves.train_accuracy is None,
    "validation": lambda curves: curves.val_accuracy is None and curves.val_loss is None,
    "activations": lambda curves: curves.dead is None or curves.saturated is None,
    "update_ratio": lambda curves: curves.update_ratio is None,
    "classes": lambda curves: curves.classes is None,
}
