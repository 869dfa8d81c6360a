"""Curves: accuracy by each hyper-parameter, all loss curves coloured by each; the best few."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts.colours import by_meaning, colour
from core.charts.columns import Columns
from core.charts.curves import by_epoch
from core.charts.marks import (
    apart,
    at_position,
    by_width,
    clipped,
    position,
    remark,
    rule,
    texts,
    worded,
)
from core.charts.picture import Picture, layers
from core.experiments.hpo.curves.experiment import (
    BATCH,
    BINS,
    EPOCHS,
    EVERY,
    SEARCHED,
    TRAIN,
    TRIALS,
    Array,
    Result,
    bins_of,
)
from core.lab.columns import crossed
from core.lab.say import number, percent, power_of_ten
from core.nn.divergence import EXPLODED

PARTS = ("lowest", "lower", "higher", "highest")  # quarters of a range, even in the logarithm
CASES = ("ink", "soft")  # colours of the heads of SEARCHED
BOTTOM, TOP, ROOM = 1e-3, 30.0, 15.0  # of the loss axis, and times its top the room for heads
LOSSES = {TOP: f"{TOP:.0f}+", 1: "1", 0.1: "0.1", 0.01: "0.01"}
EXPLAINS = ["epochs", "% right: mean of all runs of a colour"]
FLAT, FALLS, MOST = 0.7, 0.2, 2 / 3  # of the first loss; of the runs of a quarter
ABOVE, BELOW = 5.0, 0.008  # where words keep clear of the curves
HEADS = 1.32  # height of the heads over accuracies
LOW = 0.5  # of the mean of the best part: parts below fail
CROSS = "M-0.6,-0.6L0.6,0.6M-0.6,0.6L0.6,-0.6"  # an SVG path
RIGHT: dict[str, Any] = {"title": "right in the end", "format": ".0%"}
TOOLTIP = [
    alt.Tooltip("rate:Q", title="learning rate", format=".2g"),
    alt.Tooltip("reg:Q", title="regularization", format=".2g"),
    alt.Tooltip("accuracy:Q", **RIGHT),
]


def coloured(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the loss of all runs twice: coloured by learning rate and by regularization."""
    columns = Columns(CASES, 0, EPOCHS, gap=0.12)
    parts = _part(result.positions[:, 0])
    lines = _lines(result)
    data = pd.concat(
        lines.assign(case=case, series=np.array(PARTS)[own[lines["run"]]])
        for case, own in zip(CASES, parts)
    )
    data = columns.shifted(data.assign(line=data["case"] + data["run"].astype(str)), "epoch")
    ticks = {float(epoch): str(epoch) for epoch in range(0, EPOCHS + 1, EPOCHS)}
    base = alt.Chart(data).encode(
        columns.x("epoch", title="epochs", ticks=ticks).title(EXPLAINS), _loss(), by_meaning(PARTS)
    )
    chart = layers(
        base.mark_line(strokeWidth=1.5, opacity=0.75).encode(alt.Detail("line:N"), tooltip=TOOLTIP),
        _crosses(data),
        _quarters(result, columns),
        _ways(result, columns),
        _heads(result, columns, 10.5 * TOP),
    )
    return Picture(chart, "Training loss of all runs, coloured by learning rate and regularization")


def _heads(result: Result, columns: Columns, y: float) -> Any:
    """Name both panels, each with what it explains, or say that this could be chance."""
    chance = percent(result.null.mean())
    rows = []
    for case, name, share in zip(CASES, SEARCHED, result.explained.mean(axis=-1)):
        said = percent(share)
        lines = [f"explains {said}", "of the differences"]
        short = lines
        if share <= result.null.mean():
            lines = ["no visible effect", f"({said}; by chance up to {chance})"]
            short = ["no visible effect", f"({said}; chance: {chance})"]
        rows.append(
            {
                "x": (columns.low + columns.high) / 2 + columns.shift(case),
                "y": y,
                "text": "\n".join([name.capitalize(), *lines]),
                "short": "\n".join([name.capitalize(), *short]),
                "series": case,
            }
        )
    return by_width(rows, align="center", style="head")


def _moments(result: Result) -> pd.DataFrame:
    """Return a row per run and moment of the first search; `exploded` marks the one that tells."""
    moments = np.arange(result.loss.shape[-1])
    data = pd.DataFrame(crossed(run=np.arange(TRIALS), moment=moments))
    exploded = result.exploded[0][data["run"]]
    stop = np.where(exploded < 0, len(moments), -(-exploded // EVERY))
    return data.assign(
        epoch=data["moment"] * EVERY * BATCH / TRAIN,
        stop=stop,
        exploded=data["moment"] == stop,
        right=result.right.ravel(),
        accuracy=result.accuracy[0][data["run"]],
        rate=result.drawn[0, 0][data["run"]],
        reg=result.drawn[1, 0][data["run"]],
    )


def _lines(result: Result) -> pd.DataFrame:
    """Return the moments of each run up to where its loss explodes, which is drawn at the top."""
    data = _moments(result)
    drawn = np.where(data["exploded"], TOP, clipped(result.loss.ravel(), BOTTOM, TOP))
    return data.assign(drawn=drawn)[data["moment"] <= data["stop"]]


def _epochs() -> alt.X:
    return alt.X("epoch:Q").scale(domain=[0, EPOCHS]).axis(tickCount=5, grid=False).title("epochs")


def _loss() -> Any:
    return (
        alt.Y("drawn:Q")
        .scale(type="log", domain=[BOTTOM, TOP * ROOM], nice=False)
        .axis(**worded(LOSSES), domain=False, ticks=False)
        .title("training loss (log)")
    )


def _crosses(data: pd.DataFrame, y: str = "drawn") -> Any:
    """Mark where runs explode."""
    ends = data[data["exploded"]]
    return (
        alt.Chart(ends)
        .mark_point(shape=CROSS, size=60, strokeWidth=2, filled=False)
        .encode(alt.X("epoch:Q"), alt.Y(f"{y}:Q"), by_meaning(ends["series"]))
        if len(ends)
        else None
    )


def _quarters(result: Result, columns: Columns) -> Any:
    """Name the colours in the corner that no run reaches: quarters of a range, with accuracies."""
    heights = at_position(0.025 + 0.064 * np.arange(len(PARTS)), (BOTTOM, TOP * ROOM), log=True)
    rows = []
    for case, own, at in zip(CASES, result.config.ranges.values(), result.positions):
        right = [percent(result.accuracy[_part(at) == k].mean()) for k in range(len(PARTS))]
        edges = [number(float(own.at(k / len(PARTS)))) for k in range(len(PARTS) + 1)]
        said = [f"{low} to {high}" for low, high in zip(edges, edges[1:])]
        said[0], said[-1] = f"under {edges[1]}", f"above {edges[-2]}"
        short = [f"to {high}" for high in edges[1:-1]] + [said[-1]]
        rows += [
            {
                "x": columns.shift(case),
                "y": y,
                "text": f"{said[k]}: {right[k]} right",
                "short": f"{short[k]}: {right[k]}",
                "series": PARTS[k],
            }
            for k, y in enumerate(heights.tolist())
        ]
    return by_width(rows, dx=6, fontWeight="bold")


def _ways(result: Result, columns: Columns) -> Any:
    """Say at the curves what nearly all runs of a quarter do, or that all do about as well."""
    exploded = result.exploded[0] >= 0
    last = np.nan_to_num(result.loss[:, -1] / result.loss[:, 0], nan=np.inf)
    flat, falls = ~exploded & (last > FLAT), ~exploded & (last < FALLS)
    rows = []
    for case, at, share in zip(CASES, result.positions, result.explained.mean(axis=-1)):
        parts, end = _part(at[0]), EPOCHS + columns.shift(case)
        best = max(range(len(PARTS)), key=lambda k: result.accuracy[_part(at) == k].mean())
        told = [
            (0, flat, "too small: flat", ABOVE),
            (len(PARTS) - 1, flat, "too large: flat", ABOVE),
            (len(PARTS) - 1, exploded, "too large: explodes", TOP / 2.2),
            (best, falls, "good: falls", BELOW),
        ]
        rows += [
            {"x": end, "y": y, "text": text, "short": text.split(": ")[1], "series": PARTS[k]}
            for k, way, text, y in told
            if way[parts == k].mean() > MOST
        ]
        if share <= result.null.mean():
            alike = {"text": "accuracy about the same", "short": "all alike", "series": "soft"}
            rows.append({"x": end, "y": ABOVE, **alike})
    return by_width(rows, align="right", fontWeight="bold") if rows else None


def _part(positions: Array) -> Array:
    """Return in which of the quarters positions between 0 and 1 lie."""
    return np.minimum((positions * len(PARTS)).astype(int), len(PARTS) - 1)


def best(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the loss of all runs in grey, the best few named and those that explode marked."""
    domain, top = (BOTTOM, TOP * ROOM), result.config.top
    order = np.argsort(-result.accuracy[0], kind="stable")[:top]
    lines = _lines(result)
    gone = lines.loc[lines["exploded"], "run"].unique()
    kind = np.where(lines["run"].isin(order), "good", "context")
    lines = lines.assign(series=np.where(lines["run"].isin(gone), "bad", kind))
    base = alt.Chart(lines).encode(
        _epochs(),
        _loss(),
        by_meaning(lines["series"]),
        alt.Detail("run:N"),
        tooltip=TOOLTIP,
    )
    last = clipped(result.loss[order, -1], BOTTOM, TOP)
    places = apart(position(last, domain, log=True).tolist())
    names = [
        {"x": EPOCHS, "y": y, "text": _name(result, run), "series": "good"}
        for run, y in zip(order, at_position(places, domain, log=True).tolist())
    ]
    said = f"✕ {len(gone)} of {TRIALS} explode" if len(gone) else "no run explodes"
    chart = layers(
        base.mark_line(strokeWidth=1.2).transform_filter("datum.series != 'good'"),
        base.mark_line().transform_filter("datum.series == 'good'"),
        _crosses(lines),
        remark(said, 0, 3 * TOP, meaning="bad" if len(gone) else "soft"),
        texts(names, align="left", dx=8, fontWeight="bold"),
    )
    return Picture(
        chart, "Training loss of all runs, the best few by name, those that explode marked"
    )


def _name(result: Result, run: int) -> str:
    rate, reg = (number(float(values[0, run])) for values in result.drawn)
    return f"{percent(result.accuracy[0, run])}: rate {rate}, reg {reg}"


def marginals(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the accuracy of every run by each hyper-parameter, with the means of the parts."""
    columns = Columns(CASES, 0.0, 1.0, gap=0.2)
    data = pd.concat(
        pd.DataFrame(
            {
                "case": case,
                "x": own.ravel(),
                "y": result.accuracy.ravel(),
                "rate": result.drawn[0].ravel(),
                "reg": result.drawn[1].ravel(),
            }
        )
        for case, own in zip(CASES, result.positions)
    )
    means = pd.concat(
        pd.DataFrame(
            {
                "case": case,
                "x": np.arange(BINS) / BINS,
                "x2": (np.arange(BINS) + 1) / BINS,
                "y": own,
            }
        )
        for case, own in zip(CASES, _means(result))
    )
    labels: dict[float, str] = {}
    for case, own in zip(CASES, result.config.ranges.values()):
        middle = 10.0 ** np.round(np.log10(own.at(0.5)))
        ticks = np.array([own.low, middle, own.high])
        places = own.position(ticks) + columns.shift(case)
        labels |= dict(zip(places.tolist(), map(_short, ticks.tolist())))
    x = (
        alt.X("x:Q")
        .scale(domain=[0, columns.end], nice=False)
        .axis(**worded(labels), grid=False, domain=False, ticks=False, labelOverlap=False)
        .title(["value drawn (log)", "dot: a network; bar: mean of an eighth"])
    )
    chart = layers(
        alt.Chart(columns.shifted(data, "x"))
        .mark_point(size=16, color=colour("val"), opacity=0.45)
        .encode(x, _right(), tooltip=[*TOOLTIP[:2], alt.Tooltip("y:Q", **RIGHT)]),
        alt.Chart(columns.shifted(means, "x", "x2"))
        .mark_rule(strokeWidth=3.5, color=colour("ink"))
        .encode(alt.X("x:Q"), alt.Y("y:Q"), alt.X2("x2")),
        _heads(result, columns, HEADS),
        _fails(result),
    )
    return Picture(chart, "Accuracy by learning rate and by regularization, with means of parts")


def _short(value: float) -> str:
    return power_of_ten(value) if value < 1e-4 else number(value)


def _right() -> Any:
    """Return the axis of accuracies, with room for heads."""
    return (
        alt.Y("y:Q")
        .scale(domain=[0, 1.42], nice=False)
        .axis(format=".0%", values=[0, 0.25, 0.5, 0.75, 1], domain=False, ticks=False)
        .title("right on validation digits")
    )


def _means(result: Result) -> Array:
    """Return (2, BINS) the mean accuracy in each part of the ranges."""
    bins = bins_of(result.positions)
    return np.array([[result.accuracy[own == k].mean() for k in range(BINS)] for own in bins])


def _fails(result: Result) -> Any:
    """Say beside the hump what goes wrong at learning rates too low and too high, if it does."""
    means = _means(result)[0]
    good = np.flatnonzero(means > LOW * means.max())
    first, last = int(good[0]), int(good[-1])
    explodes = result.exploded[bins_of(result.positions)[0] == BINS - 1] >= 0
    rows = []
    if first > 1:  # there is room over the low dots
        row = {"x": 0.0, "y": 0.78, "text": "too low:\nhardly learns", "short": "too\nlow"}
        rows.append(row)
    if last < BINS - 1 and last - first > 2 and explodes.mean() > 0.5:
        row = {"x": 0.94, "y": 0.78, "text": "too high:\nexplodes", "short": "too\nhigh"}
        rows.append(row)
    return by_width([{**row, "series": "soft"} for row in rows], style="remark") if rows else None


def given_up(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the accuracy of all runs, and go on with those that a search would have given up."""
    data = _moments(result)
    gone = result.exploded[0][data["run"]] >= 0
    data = data.assign(series=np.where(gone, "bad", "context"))
    bar = float(result.accuracy[0][result.in_top[0]].min())
    y = by_epoch(EPOCHS, "right on validation digits", field="right", domain=(0, 1.25))["y"]
    y = y.axis(format=".0%", values=[0, 0.25, 0.5, 0.75, 1], domain=False, ticks=False)
    base = alt.Chart(data).encode(
        _epochs(),
        y,
        by_meaning(data["series"]),
        alt.Detail("run:N"),
        tooltip=TOOLTIP,
    )
    chart = layers(
        base.mark_line(strokeWidth=1, opacity=0.6).transform_filter("datum.series == 'context'"),
        base.mark_line(strokeWidth=2).transform_filter("datum.series == 'bad'"),
        _crosses(data, "right"),
        rule(f"above: the best tenth of all {TRIALS}", y=bar, at=0),
        remark(_saved(result), EPOCHS, 1.16, align="right", meaning="bad"),
    )
    return Picture(chart, "Accuracy by epoch of all runs, also of those that a search gives up")


def _saved(result: Result) -> str:
    gone = result.exploded >= 0
    if not gone.any():
        return f"no loss rises to {EXPLODED} times the first"
    lost = int((gone & result.in_top).sum())
    return (
        f"given up at ✕: {percent(1 - result.work)} less work,\n"
        f"{lost or 'none'} of {gone.sum()} lost from a best tenth"
    )


def setting(result: Result) -> Picture:
    """Draw the accuracy of the runs of one search, without what they drew."""
    data = pd.DataFrame({"x": np.arange(TRIALS) + 1, "y": result.accuracy[0]})
    x = alt.X("x:Q").scale(domain=[0, TRIALS + 1], nice=False).axis(values=[], domain=False)
    chart = (
        alt.Chart(data)
        .mark_point(size=60, color=colour("val"))
        .encode(x.title(f"{TRIALS} networks: why are some good and some bad?"), _right())
    )
    return Picture(layers(chart), "Accuracy of all runs of a search")


VIEWS = {"marginals": marginals, "coloured": coloured, "best": best, "given_up": given_up}
SETTING = setting
