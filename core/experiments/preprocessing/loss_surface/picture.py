"""Loss surface: paths of descent over rings of equal loss, and steps over many draws."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts.colours import by_meaning, colour
from core.charts.columns import Columns, one_scale
from core.charts.marks import line_ends, on_phone, remark, rule, texts, worded
from core.charts.picture import Picture, frame, layers
from core.experiments.preprocessing.loss_surface.experiment import (
    CASES,
    Result,
    tables,
)
from core.lab.columns import crossed
from core.lab.say import count, number

SHOWN = "raw", "centred", "normalized", "whitened"
TITLES = {case: case.capitalize() for case in CASES} | {"scaled": "By one number"}
HALF = 1.05  # of a column's width
WIDEST, TALLEST = 0.92, 1.55  # halves of the ring through the start
TALL = 2.15  # half of the picture's height, at least
RINGS = np.array([1 / 3, 2 / 3, 1])  # of the distance of that ring
ROUND, NARROW = 2, 5  # condition numbers: below nearly round, from here on a narrow valley


def _median(values: np.ndarray, case: str) -> float:
    return float(np.median(values[CASES.index(case)]))


def _ring(result: Result, case: str) -> tuple[np.ndarray, float]:
    """Return the halves (tall, wide) of the ring through the start, and what makes it fit."""
    row = CASES.index(case)
    halves = np.sqrt(
        (result.curvature[row] * result.path[row, 0] ** 2).sum() / result.curvature[row]
    )
    return halves, float((np.array([TALLEST, WIDEST]) / halves).min())


def paths(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw a typical descent in every case over rings of equal loss, all at one scale of axes."""
    planes = Columns(SHOWN, -HALF, HALF, gap=0.04)
    chart = layers(
        _rings(result, planes),
        _descents(result, planes),
        _goals(planes),
        _named_places(result, planes),
        _over(result, planes),
        _below(result, planes),
        remark("rings: equal loss", planes.shift("whitened"), 1.2, align="center"),
    )
    return Picture(chart, "Paths of descent over rings of equal loss, one case beside the other")


def _rings(result: Result, planes: Columns) -> Any:
    """Draw rings of equal loss around the goal, the outer one through the start."""
    turn = np.linspace(0, 2 * np.pi, 61)
    parts = []
    for case in planes.cases:
        halves, unit = _ring(result, case)
        tall, wide = unit * halves
        columns = crossed(ring=RINGS, turn=turn)
        x, y = (columns["ring"] * part(columns["turn"]) for part in (np.cos, np.sin))
        parts.append(frame({**columns, "x": wide * x, "y": tall * y}, case=case))
    title = ["curvature across : along the valley", "(length : width of a ring is its square root)"]
    x = alt.X("x:Q").axis(values=[], domain=False).title(title)
    axes = one_scale(x, alt.Y("y:Q").axis(None), (planes.low, planes.end), (-TALL, TALL))
    return (
        alt.Chart(planes.shifted(pd.concat(parts), "x"))
        .mark_line(color=colour("context"), strokeWidth=1, opacity=0.7)
        .encode(*axes, alt.Order("turn:Q"), detail=[alt.Detail("case:N"), alt.Detail("ring:N")])
    )


def _descents(result: Result, planes: Columns) -> Any:
    """Draw the paths with a point where each step ends."""
    parts = []
    for case in planes.cases:
        row = CASES.index(case)
        until = int(result.moments[row].argmax()) + 1
        y, x = result.path[row, :until].T * _ring(result, case)[1]
        columns = {"x": x, "y": y, "step": result.moments[row, :until]}
        parts.append(frame(columns, case=case, series=case))
    base = alt.Chart(planes.shifted(pd.concat(parts), "x")).encode(
        alt.X("x:Q"), alt.Y("y:Q"), by_meaning(planes.cases)
    )
    return alt.layer(
        base.mark_line(strokeWidth=2).encode(alt.Detail("case:N"), alt.Order("step:Q")),
        base.mark_point(size=16, filled=True, opacity=1).encode(
            tooltip=[alt.Tooltip("case:N"), alt.Tooltip("step:Q")]
        ),
    )


def _goals(planes: Columns) -> Any:
    data = pd.DataFrame({"x": [planes.shift(case) for case in planes.cases], "y": 0.0})
    point = alt.Chart(data).mark_point(shape="diamond", size=110, filled=True, opacity=1)
    return point.encode(alt.X("x:Q"), alt.Y("y:Q"), alt.ColorValue(colour("ink")))


def _named_places(result: Result, planes: Columns) -> Any:
    """Name start and goal, right of the first column's ring if that is narrow."""
    halves, unit = _ring(result, planes.cases[0])
    y, x = result.path[CASES.index(planes.cases[0]), 0] * unit
    edge = float(halves[1]) * unit
    beside = edge + 0.08 if edge < WIDEST / 2 else 0.15
    rows = [
        {"x": max(float(x) + 0.12, beside), "y": float(y), "text": "start", "series": "ink"},
        {"x": beside, "y": 0.0, "text": "goal", "series": "ink"},
    ]
    return texts(rows, align="left")


def _over(result: Result, planes: Columns) -> Any:
    """Write at the top of each column what it is and how many steps it takes."""
    steps = {case: count(_median(result.steps, case), "step", "steps") for case in planes.cases}
    rows = [
        {"x": planes.shift(case), "text": f"{TITLES[case]}\n{steps[case]}", "series": case}
        for case in planes.cases
    ]
    return (
        alt.Chart(pd.DataFrame(rows))
        .mark_text(baseline="top", style="head", lineBreak="\n")
        .encode(alt.X("x:Q"), alt.YValue(0), alt.Text("text:N"), by_meaning(planes.cases))
    )


def _below(result: Result, planes: Columns) -> Any:
    """Write how much more each loss curves across than along, and what that does to the path."""
    rows = []
    for case in planes.cases:
        condition = _median(result.condition, case)
        row = {"x": planes.shift(case), "series": case, "condition": f"{number(condition)} : 1"}
        rows.append({**row, "y": -TALLEST - 0.2, "why": _why(condition)})
    base = alt.Chart(pd.DataFrame(rows)).encode(alt.X("x:Q"), by_meaning(planes.cases))
    why = on_phone("''", "datum.why")
    return alt.layer(
        base.mark_text(baseline="bottom", style="head").encode(
            alt.YValue("height"), alt.Text("condition:N")
        ),
        base.mark_text(baseline="middle", fontStyle="italic", text=why).encode(alt.Y("y:Q")),
    )


def _why(condition: float) -> str:
    if condition < 1 + 1e-6:
        return "round: straight"
    if condition < ROUND:
        return "nearly round"
    return "less narrow" if condition < NARROW else "narrow: zig-zag"


def draws(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the steps of every draw, a row per case."""
    rows = {case: len(CASES) - 1 - row for row, case in enumerate(CASES)}
    data = frame(tables(result)["draws"])
    data = data.assign(series=data["case"], row=data["case"].map(rows))
    most = max(10.0, *(float(each.steps.max()) for each in shared))
    x = (
        alt.X("steps:Q")
        .scale(type="log", domain=[0.8, most * 1.2], nice=False)
        .axis(values=[1, 3, 10, 30, 100, 300, 1000, 3000], format=",d")
        .title("steps (log)")
    )
    y = (
        alt.Y("row:Q")
        .scale(domain=[-0.5, len(CASES) - 0.3], nice=False)
        .axis(**worded({place: TITLES[case] for case, place in rows.items()}), grid=False)
        .title(None)
    )
    medians = [
        {"x": _median(result.steps, case), "y": place + 0.3, "series": case}
        | {"text": number(_median(result.steps, case))}
        for case, place in rows.items()
    ]
    points = alt.Chart(data).mark_point(size=90, opacity=0.3, filled=True)
    chart = layers(
        points.encode(
            x,
            y,
            by_meaning(CASES),
            tooltip=[alt.Tooltip("case:N"), alt.Tooltip("draw:Q"), alt.Tooltip("steps:Q")],
        ),
        texts(medians, fontWeight="bold"),
        remark("number: the median", most * 1.2, len(CASES) - 0.45, align="right"),
    )
    return Picture(chart, "Steps of every draw of cloud and goal, a row per case")


def conditions(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the steps of every draw against its condition number."""
    data = frame(tables(result)["draws"]).rename(columns={"condition number": "condition"})
    most = max(10.0, *(float(each.condition.max()) for each in shared)) * 1.3
    ticks = [1, 3, 10, 30, 100, 300, 1000, 3000]
    x = (
        alt.X("condition:Q")
        .scale(type="log", domain=[0.9, most], nice=False)
        .axis(values=ticks, format=",d", grid=False)
        .title("curvature across : along (log)")
    )
    y = (
        alt.Y("steps:Q")
        .scale(type="log", domain=[0.8, most * 1.3], nice=False)
        .axis(values=ticks, format=",d", grid=False)
        .title("steps (log)")
    )
    ends = {
        case: (most, _median(result.steps, case), f"{TITLES[case]}: {number(middle)}")
        for case, middle in zip(CASES, np.median(result.steps, axis=-1))
    }
    points = alt.Chart(data.assign(series=data["case"])).mark_point(size=70, opacity=0.4)
    chart = layers(
        points.encode(
            x,
            y,
            by_meaning(CASES),
            tooltip=[alt.Tooltip("case:N"), alt.Tooltip("condition:Q"), alt.Tooltip("steps:Q")],
        ),
        line_ends(ends, domain=(0.8, most * 1.3), log=True),
    )
    return Picture(chart, "Steps against the condition number of the loss, for all cases and draws")


def setting(result: Result) -> Picture:
    """Draw the raw cloud with its mean and the point where both inputs are 0."""
    mean = result.x.mean(axis=0)
    data = pd.DataFrame({"x": result.x[:, 0], "y": result.x[:, 1], "series": "raw"})
    low, high = result.x.min(initial=-1), result.x.max(initial=1)
    chart = layers(
        alt.Chart(data)
        .mark_point(size=50, opacity=0.6)
        .encode(
            alt.X("x:Q").scale(domain=[low, high]).title("input 1").axis(grid=False, tickCount=6),
            alt.Y("y:Q").scale(domain=[low, high]).title("input 2").axis(grid=False, tickCount=6),
            by_meaning(["raw"]),
        ),
        rule("input 1 is 0", x=0, at=float(high), align="right"),
        rule("input 2 is 0", y=0, at=float(high), align="right"),
        alt.Chart(pd.DataFrame([{"x": mean[0], "y": mean[1]}]))
        .mark_point(shape="cross", size=260, color=colour("ink"))
        .encode(alt.X("x:Q"), alt.Y("y:Q")),
        texts(
            [{"x": mean[0], "y": mean[1], "text": "mean", "series": "ink"}],
            dy=-20,
            fontWeight="bold",
        ),
    )
    return Picture(chart, "The raw cloud of examples")


VIEWS = {"paths": paths, "draws": draws, "conditions": conditions}
SETTING = setting
