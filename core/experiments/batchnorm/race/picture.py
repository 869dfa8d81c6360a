"""Race: where each weight scale ends with batch norm and without, how it gets there, its steps."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts.colours import by_meaning, colour
from core.charts.marks import QUARTERS, clipped, on_phone, remark, rule, texts, worded
from core.charts.picture import Picture, frame, layers
from core.experiments.batchnorm.race.experiment import CASES, SCALES, Result, tables
from core.lab.say import number, percent

NAMES = {"with": "with batch norm", "without": "without"}
CHANCE = 0.1
MIDDLE = 0.002  # where the names stand: left of the scales that learn without
TOP = 1.2  # of the axis of accuracy: room for what is written over the lines
SMALL_STEP = 1e-3  # of the weights: in 20 epochs such steps do not get there
FLOOR = 1e-6  # of the axis of steps
ROWS, GAP, HEAD = 2, 0.12, 0.4  # of the cells; gap and head in cells

TOOLTIP = [
    alt.Tooltip("name:N", title="network"),
    alt.Tooltip("scale:Q", title="weight scale", format=".2g"),
    alt.Tooltip("accuracy:Q", title="right on training digits", format=".1%"),
]


def _data(result: Result, table: str) -> pd.DataFrame:
    data = frame(tables(result)[table])
    return data.assign(series=data["case"], name=data["case"].map(NAMES))


def _scales() -> alt.X:
    ticks = {10.0**power: number(10.0**power) for power in range(-4, 1)}
    return (
        alt.X("scale:Q")
        .scale(type="log", domain=[SCALES[-1] / 1.25, SCALES[0] * 1.25], nice=False)
        .axis(**worded(ticks), grid=False)
        .title("size (std) of the starting weights (log)")
    )


def scales(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the final accuracy against the weight scale, with batch norm and without."""
    data, target = _data(result, "scales"), result.config.target
    y = (
        alt.Y("accuracy:Q")
        .scale(domain=[0, TOP], nice=False)
        .axis(**QUARTERS)
        .title(f"right on training digits after {result.epoch} epochs")
    )
    chart = layers(
        rule("", y=target),
        remark(f"learned: over {percent(target)}", SCALES[-1], target - 0.055),
        *_dotted(data, y),
        _diverged(data, CHANCE),
        *_counts(result),
    )
    return Picture(chart, "Final accuracy against weight scale, with batch norm and without")


def _dotted(data: pd.DataFrame, y: alt.Y) -> tuple[Any, ...]:
    """Draw a line per case, a full dot where a run learned and a hollow one where it did not."""
    base = alt.Chart(data.dropna()).encode(_scales(), y, by_meaning(CASES), tooltip=TOOLTIP)
    hollow = base.mark_point(size=90, filled=False, fill=colour("ground"), strokeWidth=2.5)
    return (
        base.mark_line(),
        base.mark_point(size=110).transform_filter("datum.learns"),
        hollow.transform_filter("!datum.learns"),
    )


def _diverged(data: pd.DataFrame, y: float) -> Any:
    """Mark the runs that diverged, and say so."""
    gone = data[data["diverged"]]
    if gone.empty:
        return None
    crosses = (
        alt.Chart(gone.assign(at=y))
        .mark_point(shape="cross", angle=45, size=170, strokeWidth=0, filled=True)
        .encode(alt.X("scale:Q"), alt.Y("at:Q"), by_meaning(CASES), tooltip=TOOLTIP[:2])
    )
    rows = [
        {"x": part["scale"].max(), "y": y + 0.1, "text": "explodes", "series": case}
        for case, part in gone.groupby("case")
    ]
    return layers(crosses, texts(rows, align="right", dx=8, fontStyle="italic"))


def _counts(result: Result) -> list[Any]:
    """Write how many scales learn in each case, and why, where that can be seen."""
    learned, total = result.learns.sum(axis=-1), len(SCALES)
    rows = [
        {"x": MIDDLE, "y": place, "text": f"{NAMES[case]}: {count} of {total}", "series": case}
        for case, place, count in zip(CASES, (1.11, 0.39), learned)
    ]
    small = result.final[:, len(SCALES) // 2 :]
    cancels = "each sum is divided by its std:\nthe size of the weights cancels"
    shrinks = "small weights: the signal\nshrinks in every layer"
    return [
        texts(rows, style="head"),
        remark(cancels, MIDDLE, 0.7, align="center", meaning="with")
        if small[0].min() > 0.8
        else None,
        remark(shrinks, MIDDLE, 0.24, align="center", meaning="without")
        if small[1].max() < 2 * CHANCE
        else None,
        _slow(result),
    ]


def _slow(result: Result) -> Any:
    """Say why the largest weights lag behind with batch norm, where they do."""
    lag = ~result.learns[0] & (result.step[0] < SMALL_STEP) & (SCALES > 0.1)
    if not lag.any():
        return None
    text = f"large weights: a step\nchanges them by {percent(result.step[0][lag].min())}"
    return remark(text, SCALES[0] * 1.2, 0.48, align="right", meaning="with")


def cells(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw accuracy by epoch in a small cell for each weight scale, both cases in each."""
    end = max(run.config.epochs for run in shared)
    data = _data(result, "epochs")
    data = data.assign(**_placed(data["scale"], data["epoch"] / end, data["accuracy"]))
    columns = len(SCALES) // ROWS
    x = alt.X("x:Q").scale(domain=[0, columns * (1 + GAP) - GAP], nice=False).axis(None)
    y = alt.Y("y:Q").scale(domain=[-0.2, ROWS * (1 + HEAD)], nice=False).axis(None)
    line = alt.Chart(data).mark_line(clip=True)
    chart = layers(
        _outlines(result, x, y),
        line.encode(
            x,
            y,
            by_meaning(CASES),
            alt.Detail("scale:N"),
            tooltip=[*TOOLTIP, alt.Tooltip("epoch:Q")],
        ),
        _cell_names(result),
    )
    return Picture(chart, "Accuracy by epoch, a cell for each weight scale")


def _placed(scale: Any, x: Any, y: Any) -> dict[str, Any]:
    """Return where points of the unit square lie in the cells of their weight scales."""
    row, column = np.divmod(np.searchsorted(SCALES[::-1], scale), len(SCALES) // ROWS)
    return {"x": x + column * (1 + GAP), "y": y + (ROWS - 1 - row) * (1 + HEAD)}


def _outlines(result: Result, x: alt.X, y: alt.Y) -> Any:
    """Draw the cells, with the target in each."""
    low, high = (pd.DataFrame(_placed(SCALES, share, share)) for share in (0.0, 1.0))
    data = low.assign(x2=high["x"], y2=high["y"], target=low["y"] + result.config.target)
    base = alt.Chart(data).encode(x, alt.X2("x2"))
    return layers(
        base.mark_rect(fillOpacity=0, stroke=colour("context"), strokeWidth=1).encode(
            y, alt.Y2("y2")
        ),
        base.mark_rule(strokeDash=[3, 3], color=colour("context")).encode(
            alt.Y("target:Q").axis(None)
        ),
    )


def _cell_names(result: Result) -> Any:
    """Name every cell by its weight scale, mark what diverged, and say what the lines are."""
    data = pd.DataFrame(_placed(SCALES, 0.5, 1.02)).assign(text=[number(s) for s in SCALES])
    data["short"] = np.where(np.arange(len(SCALES)) % 2, data["text"], "")
    text = on_phone("datum.short", "datum.text")
    name = alt.Chart(data).mark_text(baseline="bottom", fontWeight="bold", text=text)
    top, wide = ROWS * (1 + HEAD) - 0.02, len(SCALES) // ROWS * (1 + GAP) - GAP
    cases = [
        {"x": place * wide, "y": top, "text": NAMES[case], "series": case}
        for place, case in zip((0, 0.5), CASES)
    ]
    gone = _data(result, "scales").query("diverged")
    crosses = (
        alt.Chart(gone.assign(**_placed(gone["scale"], 0.9, 0.2)))
        .mark_text(text="✕", fontWeight="bold")
        .encode(alt.X("x:Q"), alt.Y("y:Q"), by_meaning(CASES))
    )
    return layers(
        name.encode(alt.X("x:Q"), alt.Y("y:Q")),
        texts(cases, style="head", align="left"),
        remark(
            f"a cell: right on training digits, 0 to 100%, over {result.epoch} epochs", 0, -0.12
        ),
        None if gone.empty else crosses,
    )


def sizes(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw how large a step is, relative to the weights it moves, against the weight scale."""
    data = _data(result, "scales").dropna(subset=["step"])
    data = data.assign(drawn=clipped(data["step"], FLOOR, 1))
    ticks = {
        1: "all of it",
        0.1: "10%",
        0.01: "1%",
        1e-3: "0.1%",
        1e-4: "0.01%",
        FLOOR: "0.0001% or less",
    }
    y = (
        alt.Y("drawn:Q")
        .scale(type="log", domain=[FLOOR, 2], nice=False)
        .axis(**worded(ticks), domain=False, ticks=False)
        .title("a step, relative to the weights (log)")
    )
    middle = np.abs(np.log(SCALES / MIDDLE)).argmin()
    names = [
        {"x": SCALES[middle], "y": 2 * height, "text": NAMES[case], "series": case}
        for case, height in zip(CASES, clipped(result.step[:, middle], FLOOR, 1))
    ]
    chart = layers(*_dotted(data, y), texts(names, style="head"))
    return Picture(chart, "Size of a step relative to the weights, against their scale")


VIEWS = {"scales": scales, "cells": cells, "steps": sizes}
