"""Read the curve: one training's curves, all seven causes side by side, what rules make of them."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts.colours import by_meaning, colour
from core.charts.columns import Columns
from core.charts.curves import curves
from core.charts.marks import apart, at_position, clipped, position, texts
from core.charts.picture import Picture, layers
from core.experiments.babysitting.read_the_curve.experiment import (
    CAUSES,
    CURVES,
    GUESSING,
    OPEN,
    Result,
    cut,
    plateau,
    readings,
    stored,
)
from core.lab.columns import crossed
from core.lab.say import number, percent

TOP = 4.0  # of the loss axis, and all digits right: loss and accuracy share their lines
DOMAIN = (0.0, 1.1 * TOP)
LEVELS = (0, 1, 2, 3, 4)
LINES = (("ink", ""), ("train", "training"), ("val", "new digits"))  # of CURVES: colour, name
NAMES = dict(
    zip(
        CAUSES,
        (
            *("rate too low", "rate too high", "far too high", "a good run"),
            *("bad start", "overfitting", "underfitting"),
        ),
    )
)
TITLES = {"loss": "training loss", "accuracy": "digits right"}
ROWS, ACROSS = 2, 4  # of the pictures of all causes
WIDE, HIGH = 1.12, 1.3  # of one with the room beside and above it


def _panels(result: Result) -> Columns:
    """Return the panels: without accuracies only before the answer, where they are not wanted."""
    alone = result.config.seen == "loss" and result.config.guess == OPEN
    panels = ("loss",) if alone else ("loss", "accuracy")
    return Columns(panels, 0, result.config.epochs, gap=0.5)


def _lines(result: Result, cause: str, panels: Columns) -> pd.DataFrame:
    """Return a row per curve and epoch of the run of a cause, as high as they are drawn."""
    epochs = np.arange(result.config.epochs + 1)
    loss, train, val = cut(result, cause)
    values = (clipped(loss, 0, TOP), TOP * train, TOP * val)
    parts = [
        {"x": epochs, "value": value, "line": line, "series": meaning, "case": case, "name": name}
        for line, value, (meaning, name), case in zip(
            CURVES, values, LINES, ("loss", "accuracy", "accuracy")
        )
        if case in panels.cases
    ]
    return panels.shifted(pd.concat(map(pd.DataFrame, parts)), "x")


def curve(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the run's loss and accuracies; once answered, the telling sign and the guessed cause.

    Both panels have the same lines: a loss of 4 is as high as 100%.
    """
    config, cause, panels = result.config, CAUSES[result.cause], _panels(result)
    lines = [_lines(result, cause, panels)]
    if config.guess not in (OPEN, cause):
        grey = _lines(result, config.guess, panels).query("line != 'val_accuracy'")
        grey["name"] = np.where(grey["case"] == "accuracy", NAMES[config.guess], "")
        lines.insert(0, grey.assign(series="context", line=grey["line"] + " guess"))
    data = pd.concat(lines)
    ticks = {
        0.0: "0",
        config.epochs / 2: f"{config.epochs / 2:g}",
        config.epochs: f"{config.epochs}",
    }
    x = panels.x(title="epochs", ticks=ticks, room=0.42)
    y = (
        alt.Y("value:Q")
        .scale(domain=DOMAIN, nice=False)
        .axis(values=LEVELS, format="d", grid=False, domain=False, ticks=False)
        .title("")
    )
    chart = layers(
        _levels(panels),
        curves(data, x=x, y=y, dashed=["val_accuracy"]),
        _names(data, panels),
        *(_sign(result, cause, panels) if config.guess != OPEN else ()),
    )
    return Picture(chart, "Loss and accuracy of one training by epoch")


def _levels(panels: Columns) -> Any:
    """Draw the level lines and the title of each panel, and the scale of the accuracies."""
    frames = [panels.frames(level, level) for level in LEVELS]
    lines = alt.Chart(pd.concat(frames)).mark_rule(color=colour("grid"))
    lines = lines.encode(alt.X("x:Q"), alt.X2("x2"), alt.Y("y:Q"))
    heads = [
        {"x": panels.low + panels.shift(case), "y": TOP * 1.06, "text": TITLES[case]}
        for case in panels.cases
    ]
    titles = texts([{**head, "series": "soft"} for head in heads], align="left")
    if "accuracy" not in panels.cases:
        return alt.layer(lines, titles)
    at = panels.low + panels.shift("accuracy")
    rows = [
        {"x": at, "y": level, "text": f"{level / TOP:.0%}", "series": "soft"} for level in LEVELS
    ]
    return alt.layer(lines, texts(rows, align="right", dx=-8), titles)


def _names(data: pd.DataFrame, panels: Columns) -> Any:
    """Name the lines at their ends, apart in each panel."""
    rows: list[dict[str, Any]] = []
    for _, panel in data[data["name"] != ""].groupby("case", sort=False):
        ends = panel.groupby("line", sort=False).last()
        places = at_position(apart(position(ends["value"], DOMAIN).tolist()), DOMAIN)
        rows += [
            {"x": x, "y": y, "text": name, "series": series.replace("context", "soft")}
            for x, y, name, series in zip(ends["x"], places, ends["name"], ends["series"])
        ]
    return texts(rows, align="left", dx=8, fontWeight="bold") if rows else None


def _sign(result: Result, cause: str, panels: Columns) -> Sequence[Any]:
    """Mark what tells the cause: a bar from (x, y) to (x2, y2), and a few words beside it."""
    loss, train, val = cut(result, cause)
    end, last = result.config.epochs, clipped(loss, 0, TOP)[-1]
    right = panels.shift("accuracy") + end
    accuracy = TOP * train[-1]
    bar: tuple[float, ...]
    place: tuple[float, float]
    match cause:
        case "low":
            bar, text = (0, loss[0], end, last), "nearly straight, not done"
            place = (end / 2, (loss[0] + last) / 2 + 0.5)
        case "high":
            lowest = int(np.argmin(loss))
            bar, text = (lowest, loss[lowest], lowest, 2.3), "falls, then jumps up"
            place = (lowest + end / 30, 0.35)
        case "far":
            peak = f"epoch 1: {number(loss[1])}" if np.isfinite(loss[1]) else "not a number"
            bar, text = (0, loss[0], 1, TOP), f"explodes, {peak}"
            place = (end / 12, TOP * 0.9)
        case "good":
            bar, text = (0, loss[0], end / 5, loss[end // 5]), "steep, then flat"
            place = (end / 5, loss[end // 5] + 0.7)
        case "bad":
            long = plateau(loss)
            bar, text = (0, GUESSING, long, GUESSING), f"flat at 2.3 for {long} epochs"
            place = (end / 10, GUESSING + 0.35)
        case "over":
            bar = (right, TOP * val[-1], right, accuracy)
            text, place = f"gap: {percent(train[-1] - val[-1])}", (right - end / 30, TOP * 0.62)
        case _:
            bar = (right - end, accuracy, right, accuracy)
            text = f"no gap, but only {percent(train[-1])}"
            place = (right - end, min(accuracy + 0.5, TOP * 0.8))
    data = pd.DataFrame([dict(zip(("x", "value", "x2", "value2"), bar))])
    mark = alt.Chart(data).mark_rule(color=colour("other"), strokeWidth=7, opacity=0.55)
    row = {"x": place[0], "y": place[1], "text": text, "series": "other"}
    return (
        mark.encode(alt.X("x:Q"), alt.Y("value:Q"), alt.X2("x2"), alt.Y2("value2")),
        texts([row], align="right" if cause == "over" else "left", fontWeight="bold"),
    )


def causes(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the typical curves of each cause on other runs: the median, and the middle half.

    A loss of 4 is as high as 100%; a panel is 1 wide and 1 high.
    """
    measured = stored()
    parts, heads = [], []
    for i, cause in enumerate(CAUSES):
        down, across = divmod(i, ACROSS)
        left, base = across * WIDE, (ROWS - 1 - down) * HIGH
        heads.append({"x": left, "y": base + 1.13, "text": NAMES[cause], "series": "ink"})
        for line, (meaning, _) in zip(CURVES, LINES):
            low, middle, high = measured[line][:, i].clip(0, TOP) / (TOP if line == "loss" else 1)
            part = {"value": middle, "value low": low, "value high": high}
            names = {"line": f"{cause} {line}", "series": meaning}
            at = left + np.linspace(0, 1, len(middle))
            parts.append({"x": at, **{n: base + v for n, v in part.items()}, **names})
    data = pd.concat(map(pd.DataFrame, parts))
    x = alt.X("x:Q").scale(domain=[0, ACROSS * WIDE - WIDE + 1], nice=False).axis(None)
    y = alt.Y("value:Q").scale(domain=[-0.02, ROWS * HIGH - 0.1], nice=False).axis(None)
    frames = pd.DataFrame(heads).assign(
        value=lambda d: d["y"] - 1.13, x2=lambda d: d["x"] + 1, value2=lambda d: d["y"] - 0.13
    )
    boxes = alt.Chart(frames).mark_rect(filled=False, stroke=colour("grid"), strokeWidth=1)
    dashed = [f"{cause} val_accuracy" for cause in CAUSES]
    key = [("ink", "loss, 0 to 4"), ("train", "training digits"), ("val", "- - new digits")]
    rows = [
        {"x": (ACROSS - 1) * WIDE, "y": 0.75 - 0.2 * i, "text": text, "series": meaning}
        for i, (meaning, text) in enumerate(key)
    ]
    chart = layers(
        boxes.encode(x, y, alt.X2("x2"), alt.Y2("value2")),
        curves(data, x=x, y=y, dashed=dashed),
        texts(heads, align="left", fontWeight="bold"),
        texts(rows, align="left"),
    )
    return Picture(chart, "Typical curves of each cause")


def rules(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw as which cause the rules read the runs of each cause."""
    read_as = readings(result.config)
    counts = (read_as[..., None] == np.arange(len(CAUSES))).sum(axis=0)
    names = list(NAMES.values())
    data = pd.DataFrame({**crossed(true=names, read=names), "runs": counts.ravel()})
    data = data[data["runs"] > 0].assign(
        series=lambda d: np.where(d["true"] == d["read"], "good", "bad"),
        faint=lambda d: 0.1 + 0.4 * d["runs"] / len(read_as),  # numbers stay legible on it
    )
    axis: dict[str, Any] = {"domain": False, "ticks": False, "labelOverlap": False}
    base = alt.Chart(data).encode(
        alt.X("read:N", axis=alt.Axis(labelAngle=-30, **axis))
        .scale(domain=names)
        .title("what the rules read"),
        alt.Y("true:N", axis=alt.Axis(**axis)).scale(domain=names).title("what it is"),
    )
    squares = base.mark_rect().encode(
        by_meaning(data["series"]), opacity=alt.Opacity("faint:Q").scale(None).legend(None)
    )
    numbers = base.mark_text(fontWeight="bold").encode(alt.Text("runs:Q"))
    return Picture(layers(squares, numbers), "As which cause the rules read the runs of each cause")


VIEWS = {"curve": curve, "causes": causes, "rules": rules}
