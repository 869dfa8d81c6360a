"""The doctor, judged: runs whose cause is known, and what it says about them.

Its rules were tuned on digits and spirals, seeds 1 and 2; that for too high a rate also on colour
images and on clouds of other places. The judge draws other seeds, and two data sets that no rule
was made on. Measured: 96.5% of 508 runs are read right (digits 95.9%, moons 95.1%, clouds 98.3%),
recall is from 86% to 100%; between a cause and a good run 92% are read as one of the two. From
losses and accuracies alone, all that a log has, 81.5%: units that die or saturate are never told.
"""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.lab.doctor import Cause, Curves, curves_of, diagnose, name_of_cause, note
from core.lab.words import read_toml
from core.nn.network import init_network, stack_networks
from core.nn.training import Hyper, train, train_many
from tests.lab.drawn_runs import CAUSES, between, data_set, known_runs

JUDGES = {"digits": 200, "moons": 201, "clouds": 202}  # data sets and the seeds of the runs
EACH = 4  # runs of a cause and a family of networks
RIGHT, RECALL, EITHER = 0.9, 0.75, 0.8
WORDS = read_toml(Path(__file__).parents[2] / "core" / "lab" / "en.toml")["doctor"]


def as_a_log(curves):
    """Return what a log of one's own has of a run."""
    return replace(curves, update_ratio=None, dead=None, saturated=None, batch_loss=None)


def confusion(told):
    """Format how often each cause is read as what, from pairs (cause, diagnosis)."""
    counts, lines = Counter(told), [" " * 14 + "".join(f"{c[:8]:>10}" for c in Cause)]
    for cause in CAUSES:
        row = [counts[cause, read] for read in Cause]
        if sum(row):
            cells = "".join(f"{count or '.':>10}" for count in row)
            lines.append(f"{cause:14}{cells}   recall {counts[cause, cause] / sum(row):.2f}")
    return "\n".join([*lines, f"right: {right(told):.3f} of {len(told)}"])


def right(told):
    return sum(cause is read for cause, read in told) / len(told)


def test_a_small_sample_is_read_right():
    runs = known_runs("spirals", 1, seed=103, families=(0, 3))
    told = [(own.cause, diagnose(curves).cause) for _, own, curves in runs]
    assert {cause for cause, _ in told} == set(CAUSES)
    assert right(told) >= 0.8, confusion(told)


@pytest.mark.full
def test_the_doctor_is_right_about_runs_it_was_not_made_for():
    told, alone, logs = [], {}, []
    for name, seed in JUDGES.items():
        alone[name] = []
        for _, own, curves in known_runs(name, EACH, seed):
            alone[name].append((own.cause, diagnose(curves).cause))
            logs.append((own.cause, diagnose(as_a_log(curves)).cause))
        told += alone[name]
        print(f"\n{name}\n{confusion(alone[name])}")  # noqa: T201
    print(f"\nall\n{confusion(told)}\n\nlosses and accuracies alone\n{confusion(logs)}")  # noqa: T201
    assert right(told) >= RIGHT
    for cause in CAUSES:
        of_cause = [each for each in told if each[0] is cause]
        assert len(of_cause) >= 20, cause
        assert right(of_cause) >= RECALL, cause


@pytest.mark.full
def test_between_the_causes():
    """Between a cause and a good run both are right answers; reported apart."""
    told = [
        (own.cause, diagnose(curves).cause)
        for name, seed in JUDGES.items()
        for _, own, curves in known_runs(name, 3, seed + 10, draw=between)
    ]
    print(f"\nbetween a cause and a good run\n{confusion(told)}")  # noqa: T201
    near = {Cause.HIGH: {Cause.HIGH, Cause.DIVERGED}}
    either = [read in near.get(cause, {cause}) | {Cause.GOOD} for cause, read in told]
    print(f"one of the two: {np.mean(either):.3f}")  # noqa: T201
    assert np.mean(either) >= EITHER


def made(epochs=20, **curves):
    """Return curves of a good run, some of them replaced."""
    epoch = np.arange(epochs + 1.0)
    good = {
        "train_loss": 2.5 * np.exp(-epoch / 2),
        "val_loss": 2.5 * np.exp(-epoch / 2) + 0.1,
        "train_accuracy": 1 - 0.9 * np.exp(-epoch / 2),
        "val_accuracy": 0.97 - 0.87 * np.exp(-epoch / 2),
        "classes": 10,
    }
    return Curves(epoch=epoch, **{**good, **curves})


def shares(at_start, at_end):
    return np.linspace([0.0, at_start], [0.0, at_end], 21)


FLAT = np.full(21, np.log(10))
LOW = np.linspace(0.1, 0.6, 21)
# sign -> curves that show it, in every rule's order
SIGNS = {
    ("diverged", "not_finite"): made(train_loss=np.where(np.arange(21) > 3, np.nan, 2)),
    ("diverged", "exploded"): made(train_loss=np.linspace(2.5, 50, 21)),
    ("diverged", "killed"): made(train_loss=FLAT + np.linspace(0.5, 0, 21), dead=shares(0, 1)),
    ("dying", "at_start"): made(dead=shares(0.7, 0.7)),
    ("dying", "at_end"): made(dead=shares(0, 0.8)),
    ("saturating", "at_start"): made(saturated=shares(0.8, 0.5)),
    ("unsure", "early"): made(epochs=2),
    ("unsure", "unknown"): Curves(epoch=np.arange(9.0), val_loss=np.ones(9)),
    ("start", "flat"): made(train_loss=np.where(np.arange(21) < 5, np.log(10), 0.3)),
    ("high", "exploded"): made(
        train_loss=np.array([2.5, 9, *np.full(19, 1.2)]), train_accuracy=LOW
    ),
    ("high", "rough"): made(train_loss=1.5 + 0.5 * np.cos(np.arange(21) * 3), train_accuracy=LOW),
    ("overfitting", "gap"): made(val_accuracy=np.full(21, 0.6)),
    ("overfitting", "loss_gap"): made(train_accuracy=None, val_loss=np.linspace(2.5, 3, 21)),
    ("slow", "ratio"): made(train_accuracy=LOW, update_ratio=np.full((21, 2), 1e-4)),
    ("slow", "falling"): made(train_loss=np.linspace(2.6, 2.2, 21), train_accuracy=LOW),
    ("underfitting", "low"): made(train_accuracy=LOW),
    ("underfitting", "high_loss"): made(
        train_loss=1 + 1.5 * np.exp(-np.arange(21.0)), train_accuracy=None
    ),
    ("good", "learned"): made(),
    ("good", "trained"): made(val_accuracy=None, val_loss=None),
    ("good", "low_loss"): made(train_accuracy=None),
}


@pytest.mark.parametrize("sign", SIGNS, ids=" ".join)
def test_every_sign_is_named_and_has_a_sentence(sign):
    found = diagnose(SIGNS[sign])
    assert (found.cause, found.sign) == sign
    told = note(found)
    assert told.name == name_of_cause(found.cause)
    assert all(text.endswith(".") for text in (told.seen, told.advice, *told.lacks))


def test_no_sentence_is_without_a_sign():
    known = {(cause, sign) for cause, text in WORDS["causes"].items() for sign in text["seen"]}
    assert known == set(SIGNS) and set(WORDS["causes"]) == set(Cause)


def test_what_is_lacking_is_said():
    assert diagnose(made()).lacks == ("activations", "update_ratio")
    bare = diagnose(Curves(epoch=np.arange(9.0), train_accuracy=LOW[:9]))
    assert bare.lacks == ("train_loss", "validation", "activations", "update_ratio", "classes")
    assert all(WORDS["lacks"].values()) and set(bare.lacks) < set(WORDS["lacks"])


def test_curves_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="val_loss must have 3 moments, got 2"):
        Curves(epoch=np.arange(3), val_loss=np.ones(2))
    with pytest.raises(ValueError, match="epoch must have a moment"):
        Curves(epoch=np.empty(0))


@pytest.mark.parametrize("measure", [("train", "val"), ("val",), ()])
def test_a_run_of_a_stack_is_read_like_a_single_one(measure):
    data, rng = data_set("moons"), np.random.default_rng
    networks = [init_network((2, 9, 2), "he", rng=rng(seed)) for seed in (1, 2)]
    options = {"batch_size": 99, "epochs": 4, "measure": measure}
    stack = list(
        train_many(stack_networks(networks), data, Hyper(learning_rate=0.3), rng=rng(0), **options)
    )
    one = list(train(networks[1], data, Hyper(learning_rate=0.3), rng=rng(0), **options))
    seen, alone = diagnose(curves_of(stack, 2, 1)), diagnose(curves_of(one, 2))
    assert (seen.cause, seen.sign, seen.lacks) == (alone.cause, alone.sign, alone.lacks)
    np.testing.assert_allclose([*seen.values.values()], [*alone.values.values()], rtol=1e-6)
    assert ("validation" in seen.lacks) == ("val" not in measure)
    assert ("activations" in seen.lacks) == ("train" not in measure)
