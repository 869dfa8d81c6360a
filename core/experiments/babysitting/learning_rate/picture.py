"""Learning rates: the loss by step, why accuracy rises without it, and what breaks first."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts.colours import by_meaning, colour
from core.charts.columns import Columns
from core.charts.curves import curves
from core.charts.layers import decades
from core.charts.marks import (
    Align,
    apart,
    at_position,
    by_width,
    clipped,
    line_ends,
    position,
    remark,
    rule,
    texts,
    worded,
)
from core.charts.picture import Picture, layers
from core.experiments.babysitting.learning_rate.experiment import (
    CHANGE,
    DRAWN,
    EPOCHS,
    GOOD,
    GOOD_RATE,
    HIGHEST,
    LOW,
    QUANTITIES,
    SITS,
    SIZES,
    Result,
    findings,
)
from core.lab.say import number, percent
from core.nn.divergence import EXPLODED

Row = dict[str, Any]

MEANINGS = ("small", "good", "other", "bad")  # of the CASES
BOTTOM, TOP = 1e-3, 1e4  # of the loss axis: what lies beyond is drawn at its edge
ROOM = 10  # times the top, for what is said above it
LARGEST = float(np.finfo(np.float32).max)
CROSS = "M-0.6,-0.6L0.6,0.6M-0.6,0.6L0.6,-0.6"  # an SVG path
ROSE = 0.1  # of the accuracy that is worth telling
GAP, SIDE = 0.55, 0.4  # beside the panels of loss and of accuracy, in widths of a panel
BELOW = 4  # times lower on the axis: what is said of a loss that leaves it at the top
LEVELS = {TOP: "10,000+", 100.0: "100", 1.0: "1", 0.01: "0.01"}
DIFFUSE = 0.03  # all probabilities lie this close to 0.1: the loss is that of guessing


def loss(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw loss and accuracy by step, side by side; the rate that the heading is about in colour.

    The loss is that of the drawn start, up to its first number that is not finite; accuracy is the
    mean of all starts. Both share the axis: 100% is as high as a loss of TOP.
    """
    focus, domain = _focus(result), (BOTTOM, TOP * ROOM)
    columns = Columns(("loss", "accuracy"), 0, _steps(result), gap=GAP)
    meanings = {name: name if i == focus else "context" for i, name in enumerate(MEANINGS)}
    data = _drawn(result.loss, MEANINGS)
    data = data.assign(line=data["series"], series=data["series"].map(meanings))
    right = _right(result, columns, domain).assign(series=lambda d: d["line"].map(meanings))
    ticks = {step: f"{step:.0f}" for step in (0.0, _steps(result) / 2, float(_steps(result)))}
    x = columns.x("step", title=_title(result), ticks=ticks, room=SIDE)
    y = _log_loss(domain, grid=False).title("")
    first, ends = result.data_loss[LOW, :, 0].mean(), _ends(result, data, domain, meanings)
    chart = layers(
        _frames(columns, domain),
        _limit(columns, EXPLODED * first) if focus == HIGHEST and np.isfinite(first) else None,
        curves(data.sort_values("series", key=_last), x=x, y=y, tooltip=TOOLTIP),
        curves(right.sort_values("series", key=_last), x=x, y=y, tooltip=RIGHT),
        _exploded(result, data),
        _breaks(result, domain, meanings),
        _still(result) if focus == LOW else None,
        _rise(right, focus, domain),
        by_width(ends, dx=8, fontWeight="bold") if ends else None,
    )
    return Picture(chart, "Loss and accuracy by training step, a line for each learning rate")


TOOLTIP = [alt.Tooltip("step:Q"), alt.Tooltip("loss:Q", format=".4g")]
RIGHT = [alt.Tooltip("epoch:Q"), alt.Tooltip("accuracy:Q", format=".1%")]


def _focus(result: Result) -> int:
    """Return the case that the heading is about."""
    return {"T4": LOW, "T5": HIGHEST, "E25": GOOD}[findings(result)[0].claim]


def _last(series: pd.Series) -> pd.Series:
    """Sort what is in colour behind the rest, so that it is drawn over it."""
    return series != "context"


def _height(share: Any, domain: tuple[float, float]) -> Any:
    """Return where a share lies on the axis of losses: 100% at the top."""
    return at_position(np.asarray(share) * position(TOP, domain, log=True), domain, log=True)


def _right(result: Result, columns: Columns, domain: tuple[float, float]) -> pd.DataFrame:
    """Return a row per rate and epoch, up to the first number that is not finite."""
    each = _steps(result) // EPOCHS
    shares = result.train_accuracy.mean(axis=1)
    data = pd.DataFrame(
        {
            "line": name,
            "epoch": epoch,
            "step": epoch * each + columns.shift("accuracy"),
            "accuracy": share,
            "drawn": float(_height(share, domain)),
        }
        for name, own, (broken, _, _) in zip(MEANINGS, shares, result.broken[:, DRAWN])
        for epoch, share in enumerate(own.tolist())
        if broken < 0 or epoch * each < broken
    )
    return data


def _frames(columns: Columns, domain: tuple[float, float]) -> Any:
    """Draw the level lines of both panels, their titles, and the scale of the accuracies."""
    shares = {f"{share:.0%}": float(_height(share, domain)) for share in (0, 0.5, 1)}
    levels = {"loss": LEVELS, "accuracy": shares.values()}
    rows = [
        {"step": columns.shift(case), "x2": columns.shift(case) + columns.high, "drawn": level}
        for case, own in levels.items()
        for level in own
    ]
    lines = alt.Chart(pd.DataFrame(rows)).mark_rule(color=colour("grid"))
    heads = {"loss": "loss (log axis)", "accuracy": "digits right"}
    named = [
        {"x": columns.shift(case), "y": TOP * ROOM**0.6, "text": text, "series": "ink"}
        for case, text in heads.items()
    ]
    ticks = [
        {"x": columns.end, "y": y, "text": text, "series": "soft"} for text, y in shares.items()
    ]
    return layers(
        lines.encode(alt.X("step:Q"), alt.X2("x2"), alt.Y("drawn:Q")),
        texts(named, align="left", fontWeight="bold"),
        texts(ticks, align="left", dx=8),
    )


def _limit(columns: Columns, loss: float) -> Any:
    """Draw the loss above which a run counts as exploded."""
    row = {"step": 0, "x2": columns.high, "drawn": loss}
    line = alt.Chart(pd.DataFrame([row])).mark_rule(strokeDash=[5, 4], color=colour("soft"))
    said = remark(f"{EXPLODED} × the first loss", columns.high, 1.6 * loss, align="right")
    return layers(line.encode(alt.X("step:Q"), alt.X2("x2"), alt.Y("drawn:Q")), said)


def _steps(result: Result) -> int:
    return int(result.loss.shape[-1]) - 1


def _by_step(result: Result, end: int | None = None) -> alt.X:
    """Return the axis of training steps, up to the last one or to `end`."""
    each, end = _steps(result) // EPOCHS, end or _steps(result)
    return (
        alt.X("step:Q")
        .scale(domain=[0, end], nice=False)
        .axis(values=list(range(0, end + 1, each if end < 40 else 2 * each)), grid=False)
        .title(_title(result))
    )


def _title(result: Result) -> str:
    return f"training step ({_steps(result) // EPOCHS} steps = 1 epoch)"


def _log_loss(domain: tuple[float, float], grid: bool = True) -> alt.Y:
    return (
        alt.Y("drawn:Q")
        .scale(type="log", domain=domain, nice=False)
        .axis(**worded(LEVELS), grid=grid, domain=False, ticks=False)
        .title("loss (log)")
    )


def _drawn(losses: np.ndarray, series: Sequence[str]) -> pd.DataFrame:
    """Return a row per line and step at which its loss is finite."""
    steps = np.arange(losses.shape[-1])
    data = pd.concat(
        pd.DataFrame({"series": name, "step": steps, "loss": own})
        for name, own in zip(series, losses)
    )
    data = data[np.isfinite(data["loss"])]
    return data.assign(drawn=clipped(data["loss"], BOTTOM, TOP))


def _exploded(result: Result, data: pd.DataFrame) -> Any:
    """Mark where a loss exploded: the first one above the limit."""
    rows = [
        data[(data["line"] == meaning) & (data["step"] == step)]
        for meaning, step in zip(MEANINGS, result.exploded[:, DRAWN])
    ]
    found = pd.concat(rows)
    if found.empty:
        return None
    return (
        alt.Chart(found)
        .mark_point(size=140)
        .encode(alt.X("step:Q"), alt.Y("drawn:Q"), by_meaning(found["series"]))
    )


def _breaks(result: Result, domain: tuple[float, float], meanings: Mapping[str, str]) -> Any:
    """Mark and name the runs that break, each at its first number that is not finite."""
    marks: list[Row] = []
    said: dict[Align, list[Row]] = {"left": [], "right": []}
    for meaning, rate, exploded, (step, _, _) in zip(
        MEANINGS, result.config.rates, result.exploded[:, DRAWN], result.broken[:, DRAWN]
    ):
        if step < 0:
            continue
        series = meanings[meaning]
        y = TOP if exploded >= 0 else float(at_position(0.2 + 0.13 * len(marks), domain, log=True))
        marks.append({"x": step, "y": y, "series": series})
        when = f"exploded at step {exploded},\n" if exploded >= 0 else ""
        said["left" if 2 * step < _steps(result) else "right"].append(
            {
                **marks[-1],
                "y": y / BELOW if exploded >= 0 else y,
                "text": f"{number(rate)}: {when}NaN from step {step}",
                "short": f"{number(rate)}: NaN\nfrom step {step}",
                "series": series.replace("context", "soft"),
            }
        )
    if not marks:
        return None
    told = [
        by_width(rows, align=align, fontWeight="bold", dx=14 if align == "left" else -14)
        for align, rows in said.items()
        if rows
    ]
    return layers(_cross(marks), *told)


def _crosses(rows: list[Row], below: float = 1) -> Any:
    """Mark places and say beside each, so many times lower on a log axis, what happened there."""
    if not rows:
        return None
    said = [{**row, "y": row["y"] / below} for row in rows]
    return layers(_cross(rows), texts(said, align="left", dx=14, fontWeight="bold"))


def _cross(rows: list[Row]) -> Any:
    return (
        alt.Chart(pd.DataFrame(rows))
        .mark_point(shape=CROSS, size=150, strokeWidth=3, filled=False)
        .encode(alt.X("x:Q"), alt.Y("y:Q"), by_meaning(row["series"] for row in rows))
    )


def _still(result: Result) -> Any:
    """Say over the low rate's line by how little its loss changes, if it is little, and why."""
    own, accuracy = result.data_loss[LOW], result.train_accuracy[LOW].mean(axis=0)
    change = (1 - own[:, -1] / own[:, 0]).mean()
    if not abs(change) < CHANGE:
        return None
    said = f"falls by {percent(change)}".replace("by 0", "by only 0")
    if accuracy[-1] - accuracy[0] > ROSE and np.abs(result.probabilities - 0.1).max() < DIFFUSE:
        said += ":\nprobabilities\nstay near 0.1"
    row = {"x": 0.25 * _steps(result), "y": 20 * own.mean(), "text": said, "series": "small"}
    return texts([row], align="left", fontWeight="bold")


def _rise(right: pd.DataFrame, focus: int, domain: tuple[float, float]) -> Any:
    """Say how accuracy has changed: over the end of the low rate's line, below that of another."""
    own = right[right["line"] == MEANINGS[focus]]
    if own["epoch"].max() < EPOCHS:
        return None
    first, last = own["accuracy"].iloc[0], own["accuracy"].iloc[-1]
    said = f"{percent(first)} → {percent(last)}"
    y = _height(last + (0.09 if focus == LOW and last < 0.7 else -0.14), domain)
    row = {"x": own["step"].max(), "y": float(y), "text": said, "series": MEANINGS[focus]}
    return texts([row], align="right", fontWeight="bold")


def _ends(
    result: Result, data: pd.DataFrame, domain: tuple[float, float], meanings: Mapping[str, str]
) -> list[Row]:
    """Name every line that does not break by its rate, moved apart where they collide."""
    last = data.groupby("line")["drawn"].last()
    cases = [case for case in range(len(MEANINGS)) if result.broken[case, DRAWN, 0] < 0]
    if not cases:
        return []
    places = apart(position(last[[MEANINGS[case] for case in cases]], domain, log=True).tolist())
    return [
        {
            "x": _steps(result),
            "y": y,
            "text": f"{number(result.config.rates[case])}: {_kind(result, case)}",
            "short": number(result.config.rates[case]),
            "series": meanings[MEANINGS[case]].replace("context", "soft"),
        }
        for case, y in zip(cases, at_position(places, domain, log=True).tolist())
    ]


def _kind(result: Result, case: int) -> str:
    """Say what the drawn run shows of its rate, by its loss in the end beside the good one's."""
    if result.exploded[case, DRAWN] >= 0:
        return "exploded"
    loss = result.data_loss[:, DRAWN, -1]
    if not np.isfinite(loss[GOOD]):
        return "finite"
    if not loss[case] > SITS * loss[GOOD]:
        return "good"
    return "too low" if result.config.rates[case] < GOOD_RATE else "high"


def probabilities(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the ten probabilities that the low rate's network gives one digit, before and after."""
    cases = ("context", "small")
    columns = Columns(cases, -0.7, 9.7)
    given = np.nan_to_num(result.probabilities)
    away = max(np.abs(run.probabilities - 0.1).max() for run in shared)
    reach = 1.15 * max(float(np.nan_to_num(away, nan=0.9)), 1e-6)
    low, high = max(0.1 - reach, 0.0), 0.1 + reach
    data = pd.concat(
        pd.DataFrame({"case": case, "class": np.arange(10.0), "p": own})
        for case, own in zip(cases, given)
    )
    data = data.assign(series=np.where(data["class"] == result.label, "good", "context"), guess=0.1)
    data = columns.shifted(data, "class").assign(name=data["class"].astype(int))
    ticks = {float(k): str(k) for k in range(10)}
    room = 0.3 * (high - low)
    y = (
        alt.Y("p:Q")
        .scale(domain=[low - room / 2, high + room], nice=False, zero=False)
        .axis(values=[low, 0.1, high], format=".4~f", domain=False, ticks=False)
        .title("probability")
    )
    x = columns.x("class", title=f"class (the digit is a {result.label})", ticks=ticks)
    base = alt.Chart(data).encode(
        x, y, by_meaning(data["series"]), tooltip=[alt.Tooltip("name:Q"), alt.Tooltip("p:Q")]
    )
    heads = {
        case: f"{when}: {_guessed(result, own)}\nloss {_loss_of(own[result.label])}"
        for case, when, own in zip(cases, ("Before", "After"), given)
    }
    chart = layers(
        rule("", y=0.1),
        base.mark_rule(strokeWidth=6).encode(alt.Y2("guess:Q")),
        base.mark_point(size=120),
        columns.heads(heads, high + 0.25 * room),
        remark(_why(given), columns.low, low - room / 4),
    )
    return Picture(chart, "Ten class probabilities of one digit before and after training")


def _guessed(result: Result, given: np.ndarray) -> str:
    top = int(given.argmax())
    return f"predicts {top}, {'right' if top == result.label else 'wrong'}"


def _loss_of(probability: float) -> str:
    return f"{-np.log(probability):.3f}" if probability > 0 else "not finite"


def _why(given: np.ndarray) -> str:
    if np.abs(given[1] - 0.1).max() > DIFFUSE:
        return "The probabilities move far from 0.1: the loss changes, too."
    if given[0].argmax() == given[1].argmax():
        return "All ten stay near 0.1, and their order stays."
    return "All ten stay near 0.1, so the loss does too. Their order changes."


def growth(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the largest weight and score of the highest rate's run up to where it breaks."""
    sizes = result.sizes.astype(float)
    series = ("context", "other", "bad")
    step, layer, quantity = result.broken[HIGHEST, DRAWN]
    data = pd.concat(
        pd.DataFrame({"series": name, "step": np.arange(len(own)), "drawn": own, "loss": own})
        for name, own in zip(series, sizes)
    )
    data = data[np.isfinite(data["drawn"]) & (data["drawn"] > 0)]
    if step >= 0:
        data = data[data["step"] < step]
    most = data["drawn"].max()
    domain = (data["drawn"].min() / 3, LARGEST * 30 if step >= 0 else 10 * most)
    end = min(_steps(result), 2 * step) if step >= 0 else _steps(result)
    y = (
        alt.Y("drawn:Q")
        .scale(type="log", domain=domain, nice=False)
        .axis(**worded(decades(domain)), domain=False, ticks=False)
        .title("largest number (log)")
    )
    last = data.groupby("series").last()
    ends = {
        name: (float(last["step"][name]), float(last["drawn"][name]), what)
        for name, what in zip(series[:-1], SIZES)
    }
    half = data[data["series"] == "bad"].iloc[int(data["step"].max()) // 2]
    scores = {"x": half["step"], "y": half["drawn"], "text": SIZES[-1], "series": "bad"}
    broken = None
    if step >= 0:
        said = f"step {step}, layer {layer}:\n{QUANTITIES[quantity]} is not finite"
        broken = _crosses([{"x": step, "y": LARGEST, "text": said, "series": "bad"}], below=1e3)
    chart = layers(
        rule("largest number of 32 bits (float32)", y=LARGEST, at=end, align="right")
        if step >= 0
        else None,
        curves(
            data,
            x=_by_step(result, end),
            y=y,
            tooltip=[alt.Tooltip("step:Q"), alt.Tooltip("loss:Q")],
        ),
        broken,
        texts([scores], align="right", dx=-12, fontWeight="bold"),
        line_ends(ends, domain=domain, log=True),
    )
    return Picture(chart, "Largest weights and scores of the run with the highest rate, by step")


def pair(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw two runs at a good rate that differ only in how the loss is computed."""
    series, domain = ("good", "bad"), (BOTTOM, TOP * ROOM)
    data = _drawn(result.pair_loss, series)
    step = result.pair_broken[1, DRAWN]
    at = data[data["series"] == "good"].iloc[-1]
    ends = {"good": (at["step"], at["drawn"], "log-sum-exp")}
    broken = None
    if step >= 0:
        last = data[data["series"] == "bad"].iloc[-1]
        said = f"naive −log p: broken at step {step},\nas e to the score overflows or p is 0"
        place = {"x": last["step"], "y": last["drawn"], "text": said, "series": "bad"}
        broken = _crosses([place], below=1 / 20)
    chart = layers(
        curves(data, x=_by_step(result), y=_log_loss(domain), tooltip=TOOLTIP),
        broken,
        line_ends(ends, domain=domain, log=True),
        remark(f"Both: rate {number(GOOD_RATE)}, same start, same batches", 2, 2.5 * TOP),
    )
    return Picture(chart, "Loss by step with two ways to compute it, at one learning rate")


VIEWS = {"loss": loss, "probabilities": probabilities, "growth": growth, "pair": pair}
