"""Live: a training under the student's hands, and whether the doctor's advice on it helps.

The run that is seen is trained step by step (run.py). The advice is tested on STARTS of the same
setting that differ in their starting weights: each is trained once more with what the doctor
advises, with the advice for other ills, and twice as long; reported on digits that nobody has
looked at.
"""

from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from core.experiments.babysitting.live.run import (
    EPOCHS,
    MOMENTUM,
    STARTS,
    STEPS,
    Config,
    Live,
    Result,
    build,
    splits,
)
from core.lab.columns import crossed
from core.lab.doctor import Cause, curves_of, diagnose
from core.lab.finding import Finding
from core.lab.streams import streams
from core.lab.verdict import above_over_seeds, opposite
from core.nn.layers import cross_entropy_backward, cross_entropy_forward
from core.nn.network import backward, forward, stack_networks
from core.nn.optimizers import momentum_step
from core.nn.training import Hyper, accuracy, train, train_many

Array = np.ndarray
Setting = Mapping[str, Any]  # the knobs of a Config, not held to what these offer

COST = "training"
CASES = ("as_is", "longer", "faster", "slower", "much_slower", "restart", "data", "units")
CAUSES = tuple(Cause)
# What each diagnosis advises; for what is not here, to leave everything as it is.
ADVICE: Mapping[Cause, str] = {
    Cause.SLOW: "faster",
    Cause.HIGH: "slower",
    Cause.DIVERGED: "much_slower",
    Cause.START: "restart",
    Cause.DYING: "restart",
    Cause.SATURATING: "restart",
    Cause.OVERFITTING: "data",
    Cause.UNDERFITTING: "units",
}
KIND = {"much_slower": "slower"}  # of advice: how far to lower the rate is not another one
MOST_DIGITS = 1000

MATTERS, POINTS = 0.02, 100  # of the test digits; percentage points


def changed(config: Config) -> dict[str, Setting]:
    """Return what is trained in each case but the first two: the setting with one thing changed."""
    now, rate = asdict(config), config.learning_rate
    return {
        "faster": {**now, "learning_rate": 10 * rate},
        "slower": {**now, "learning_rate": rate / 10},
        "much_slower": {**now, "learning_rate": rate / 100},
        "restart": {**now, "start": "usual"},
        "data": {**now, "examples": MOST_DIGITS},
        "units": {**now, "hidden": 4 * config.hidden, "reg": config.reg / 100},
    }


def stacks(settings: Mapping[str, Setting]) -> list[list[str]]:
    """Return the cases that can be trained as one stack: equal shapes, digits and activation."""
    groups: dict[tuple[int, int], list[str]] = {}
    for case, setting in settings.items():
        groups.setdefault((setting["hidden"], setting["examples"]), []).append(case)
    return list(groups.values())


def train_cases(settings: Sequence[Setting], epochs: int, measure: tuple[str, ...]) -> Any:
    """Train STARTS networks in each of some settings of equal shape, as one stack.

    Return the stack, its records (one per epoch), and the test digits with their labels.
    """
    first = settings[0]
    weights, batches = streams(first["seed"], "weights", "batches")
    data, x_test, y_test = splits(first["seed"], first["examples"])
    starts = weights.spawn(STARTS)
    network = stack_networks(
        [
            build(s["start"], s["activation"], s["hidden"], deepcopy(start))
            for s in settings
            for start in starts
        ]
    )
    rates, regs = ([s[name] for s in settings] for name in ("learning_rate", "reg"))
    records = train_many(
        network,
        data,
        Hyper(
            learning_rate=np.repeat(rates, STARTS),
            reg=np.repeat(regs, STARTS),
            momentum=MOMENTUM,
        ),
        batch_size=-(-first["examples"] // STEPS),
        epochs=epochs,
        rng=batches,
        measure=measure,
    )
    return network, records, x_test, y_test


def steps(config: Config) -> Generator[float, None, Result]:
    """Train the run that is seen, then test the advice; yield the share done."""
    live = Live(config)
    while not live.is_at_goal:
        live.advance(STEPS)
        yield 0.15 * live.epoch / EPOCHS
    now = asdict(config)
    test, causes = yield from as_it_is(now)
    settings = {case: setting for case, setting in changed(config).items() if setting != now}
    for done, cases in enumerate(groups := stacks(settings), 1):
        network, records, x, y = train_cases([settings[case] for case in cases], EPOCHS, ())
        for record in records:
            yield 0.5 + 0.5 * (done - 1 + record.epoch / EPOCHS) / len(groups)
        right = right_on(network, x, y).reshape(len(cases), STARTS)
        test |= dict(zip(cases, right))
    return replace(
        live.result, test=np.array([test.get(case, test["as_is"]) for case in CASES]), causes=causes
    )


def as_it_is(
    setting: Setting,
) -> Generator[float, None, tuple[dict[str, Array], Array]]:
    """Train twice as long as planned; return what is right half way and in the end.

    And what the doctor finds in each run half way.
    """
    network, records, x, y = train_cases([setting], 2 * EPOCHS, ("train", "val"))
    seen, test = [], {}
    for record in records:
        seen.append(record)
        if record.epoch == EPOCHS:
            test["as_is"] = right_on(network, x, y)
            causes = [diagnose(curves_of(seen, 10, run)).cause for run in range(STARTS)]
        yield 0.15 + 0.35 * record.epoch / (2 * EPOCHS)
    test["longer"] = right_on(network, x, y)
    return test, np.array([CAUSES.index(cause) for cause in causes])


def right_on(network: Any, x: Array, y: Array) -> Array:
    """Return (runs,) the share of test digits that are right, 0 for runs that are not finite."""
    with np.errstate(all="ignore"):
        logits, _ = forward(network, x)
    return np.where(np.isfinite(logits).all(axis=(-2, -1)), accuracy(logits, y), 0)


def advised(result: Result) -> list[str]:
    """Return (STARTS,) which case the doctor advises each run to try; "as_is" for no change."""
    return [ADVICE.get(CAUSES[cause], "as_is") for cause in result.causes]


def main_advice(result: Result) -> str:
    """Return what the doctor advises most of the runs."""
    return Counter(advised(result)).most_common(1)[0][0]


def wrong_cases(result: Result) -> list[str]:
    """Return the cases that change the setting, and not in the way that the doctor advises."""
    now, right = asdict(result.config), {KIND.get(case, case) for case in advised(result)}
    settings = changed(result.config)
    return [c for c in CASES[2:] if KIND.get(c, c) not in right and settings[c] != now]


def outcomes(result: Result) -> dict[str, Array]:
    """Return (STARTS,) test accuracies: of each case, after the advice, and of the best wrong one.

    The best in the mean, which makes it hard for the advice.
    """
    right = dict(zip(CASES, result.test))
    after = np.array([right[case][run] for run, case in enumerate(advised(result))])
    others = wrong_cases(result)
    wrong = max((right[case] for case in others), key=np.mean, default=right["as_is"])
    return {**right, "advice": after, "wrong": wrong}


def findings(result: Result) -> tuple[Finding, ...]:
    """T11: the advice helps, more than other advice, more than training on.

    keep, in its place: where no change is advised, none helps. Nothing for a run under way.
    """
    if not result.causes.size:
        return ()
    right, advice = outcomes(result), main_advice(result)
    means = {name: right[name].mean() for name in ("as_is", "advice", "wrong", "longer")}
    values = {**means, "starts": STARTS, "alike": advised(result).count(advice)}
    if advice == "as_is":
        worse = opposite(above_over_seeds(right["wrong"] - right["as_is"], MATTERS))
        return (Finding(claim="keep", outcome=worse, values={**values, "bar": POINTS * MATTERS}),)

    def more(claim: str, than: str) -> Finding:
        outcome = above_over_seeds(right["advice"] - right[than])
        return Finding(claim=claim, outcome=outcome, because=advice, values=values)

    return more("T11", "as_is"), more("T11w", "wrong"), more("T11l", "longer")


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return the run by moment, its layers, its changes, and the test of the advice."""
    names = ("step", "epoch", "train_loss", "val_loss", "train_accuracy", "val_accuracy")
    epoch, rate, reg = result.changes.T
    moments = result.epoch.round(3)
    parts: dict[str, Mapping[str, Any]] = {
        "run": {name: getattr(result, name) for name in names},
        "updates": {
            **crossed(epoch=moments, layer=(1, 2, 3)),
            "update_ratio": result.update_ratio.ravel(),
        },
        "units": {
            **crossed(epoch=moments, layer=(1, 2)),
            "dead": result.dead.ravel(),
            "saturated": result.saturated.ravel(),
        },
        "changes": {"epoch": epoch, "learning_rate": rate, "reg": reg},
    }
    if result.causes.size:
        parts["advice"] = {
            **crossed(case=CASES, start=np.arange(1, STARTS + 1)),
            "doctor": [str(CAUSES[cause]) for _ in CASES for cause in result.causes],
            "test_accuracy": result.test.ravel(),
        }
    return parts


PRESETS = {
    "slow": Config(),
    "good": Config(learning_rate=0.03),
    "high": Config(learning_rate=3.0, activation="tanh"),
    "diverged": Config(learning_rate=3.0),
    "bad_start": Config(learning_rate=0.01, start="small"),
    "overfitting": Config(learning_rate=0.03, examples=100),
    "underfitting": Config(learning_rate=0.03, hidden=2, activation="tanh"),
    "dying": Config(learning_rate=0.03, start="off"),
    "saturating": Config(learning_rate=0.03, start="large", activation="tanh"),
}
SMALL = Config(examples=60, hidden=2)
SHOWN = (
    build,
    train,
    forward,
    cross_entropy_forward,
    cross_entropy_backward,
    backward,
    momentum_step,
    diagnose,
)
