"""Centre and scale: the cloud at each stage, side by side, and how large values get."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts.colours import by_meaning, colour
from core.charts.columns import Columns, one_scale
from core.charts.marks import remark, rule, texts, worded
from core.charts.picture import Picture, frame, layers
from core.experiments.preprocessing.center_and_scale.experiment import (
    EXACT,
    STAGES,
    Result,
    tables,
)
from core.lab.say import number

Array = np.ndarray

TITLES = {stage: stage.capitalize() for stage in STAGES}
ROOM = 0.06  # around the points, of their range
ALIKE = 8.0  # ranges of the two features that differ by more get a scale each
HEADS, PRESENTED_HEADS = 90, 122  # px for names and numbers over the clouds
NAME, PRESENTED_NAME = 30, 40  # px for a name alone
LINES = (0, 0), (20, 29), (37, 53), (54, 77)  # px from the top, here and on a projector
PRESENTED_WIDTH = 1000  # px from which on the type is a projector's
LEAST_GAP, LEAST_STEP = 0.12, 0.72  # between columns, of one; from one to the next, of the height
TICKS = 10  # on an axis as long as the clouds' height; half of them if there are columns
CHANGES = {"centred": "mean", "normalized": "std", "whitened": "corr."}  # what a stage sets
KEPT = "raw", "centred", "normalized"  # stages of one correlation
LONGEST_NAME = 110  # px, of a class
NAMED = 3  # features with the largest values


def _ranges(points: Array) -> tuple[Array, Array]:
    """Return the low and high ends (..., 2) of axes that show points (..., rows, 2)."""
    low, high = points.min(axis=-2), points.max(axis=-2)
    wide = np.where(high > low, high - low, 1)
    return low - ROOM * wide, high + ROOM * wide


class _Plane:
    """Where values of the two features lie in a picture of columns of height 1.

    low, high: (stages, 2) ends of the axes of every stage.
    """

    def __init__(self, stages: Sequence[str], low: Array, high: Array) -> None:
        ratio = float((high - low)[0, 0] / (high - low)[0, 1])
        self.low, self.high = low, high
        self.width = ratio if 1 / ALIKE < ratio < ALIKE else 1.0
        gap = max(LEAST_GAP, LEAST_STEP / self.width - 1)
        self.columns = Columns(tuple(stages), 0, self.width, gap)

    def at(self, stage: str, values: Array) -> Array:
        """Return the places (..., 2) of values (..., 2) of a stage."""
        row = self.columns.cases.index(stage) if len(self.low) > 1 else 0
        share = (values - self.low[row]) / (self.high - self.low)[row]
        return share * [self.width, 1] + [self.columns.shift(stage), 0]

    def axes(self, titles: Sequence[str], ticks: bool) -> tuple[alt.X, alt.Y]:
        """Return axes of one scale, below room for the heads; ticks: of the raw values."""
        stages, x_most = self.columns.cases, min(max(2.0, TICKS * self.width), TICKS / 2)
        labels = (self._labels(0, stages, x_most), self._labels(1, stages[:1], TICKS))
        x, y = (
            axis.axis(**worded(said if ticks else {}), grid=False, domain=False, ticks=False)
            for axis, said in zip((alt.X("x:Q"), alt.Y("y:Q")), labels)
        )
        small, large = (NAME, PRESENTED_NAME) if len(stages) == 1 else (HEADS, PRESENTED_HEADS)
        heads = f"(width > {PRESENTED_WIDTH} ? {large} : {small})"
        x, y = x.title(titles[0]), y.title(titles[1])
        return one_scale(x, y, (0, self.columns.end), (0, 1), above=heads)

    def _labels(self, axis: int, stages: Sequence[str], most: float) -> dict[float, str]:
        """Return place -> round value, in the columns of the stages."""
        values = _ticks(self.low[0, axis], self.high[0, axis], most)
        return {
            float(self.at(stage, np.full(2, value))[axis]): number(value)
            for stage in stages
            for value in values
        }


def _ticks(low: float, high: float, most: float) -> list[float]:
    """Return about so many round values between two ends, 0 among them if it lies there."""
    least = (high - low) / most
    power = 10.0 ** np.floor(np.log10(least))
    step = power * next(times for times in (1, 2, 5, 10) if times * power >= least)
    first, last = np.ceil(low / step), np.floor(high / step)
    return [float(step * i) for i in np.arange(first, last + 1)]


def stages(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the cloud at every stage on the same axes."""
    ends = [_ranges(np.concatenate([*each.points, np.zeros((1, 2))])) for each in shared]
    low = np.min([low for low, _ in ends], axis=0)[None]
    high = np.max([high for _, high in ends], axis=0)[None]
    plane = _Plane(STAGES, low, high)
    return Picture(
        _clouds(result, plane, ticks=True),
        "The same cloud raw, centred, normalized and whitened, side by side on the same axes",
    )


def shapes(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the cloud at every stage, axes stretched to it."""
    chart = _clouds(result, _Plane(STAGES, *_ranges(result.points)), ticks=False)
    return Picture(chart, "The cloud at every stage, each stretched to the same size")


def setting(result: Result) -> Picture:
    """Draw the raw cloud alone."""
    low, high = _ranges(np.concatenate([result.points[0], np.zeros((1, 2))]))
    chart = _clouds(result, _Plane(STAGES[:1], low[None], high[None]), ticks=True)
    return Picture(chart, "The raw cloud")


def _clouds(result: Result, plane: _Plane, ticks: bool) -> Any:
    """Draw the points of every stage, their mean and std, and where both features are 0."""
    points, zeros, spreads, means = [], [], [], []
    meanings = [f"class {label}" for label in result.labels]
    for stage, rows, mean, std in zip(STAGES, result.points, result.mean, result.std):
        if stage not in plane.columns.cases:
            continue
        x, y = plane.at(stage, rows).T
        series = meanings if result.classes else stage
        points.append(frame({"x": x, "y": y}, series=series))
        left, right = plane.columns.shift(stage), plane.columns.shift(stage) + plane.width
        (zero_x, zero_y), (mid_x, mid_y) = plane.at(stage, np.stack([np.zeros(2), mean]))
        if left <= zero_x <= right:
            zeros.append((zero_x, zero_x, 0, 1))
        if 0 <= zero_y <= 1:
            zeros.append((left, right, zero_y, zero_y))
        (low_x, low_y), (high_x, high_y) = plane.at(stage, np.stack([mean - std, mean + std]))
        spreads += [(low_x, high_x, mid_y, mid_y), (mid_x, mid_x, low_y, high_y)]
        means.append((mid_x, mid_y))
    data = pd.concat(points)
    return layers(
        _segments(zeros, color=colour("context"), strokeDash=[4, 4], strokeWidth=1.5),
        alt.Chart(data)
        .mark_point(size=22, filled=True, opacity=0.55)
        .encode(*plane.axes(result.names, ticks), by_meaning(data["series"])),
        _segments(spreads, color=colour("ink"), strokeWidth=3),
        alt.Chart(pd.DataFrame(means, columns=["x", "y"]))
        .mark_point(size=90, filled=True, opacity=1, color=colour("ink"))
        .encode(alt.X("x:Q"), alt.Y("y:Q")),
        _over(result, plane),
        _classes(result, plane),
    )


def _segments(ends: Sequence[tuple[float, float, float, float]], **mark: Any) -> Any:
    """Draw lines from x, y to x2, y2; None if there are none."""
    if not ends:
        return None
    data = pd.DataFrame(ends, columns=["x", "x2", "y", "y2"])
    return (
        alt.Chart(data)
        .mark_rule(**mark)
        .encode(alt.X("x:Q"), alt.X2("x2"), alt.Y("y:Q"), alt.Y2("y2"))
    )


def _over(result: Result, plane: _Plane) -> Any:
    """Write each stage's name and numbers over its cloud, in its colour what the stage has set.

    A cloud that stands alone has its name only.
    """
    cases = plane.columns.cases
    middles = [plane.columns.shift(stage) + plane.width / 2 for stage in cases]
    numbers = _numbers(result) if len(cases) > 1 else {}
    lines = {"": [TITLES[stage] for stage in cases]}
    lines |= {name: [f"{name} {said}" for said in row] for name, row in numbers.items()}
    marks = []
    for (name, row), (near, far) in zip(lines.items(), LINES):
        series = [stage if name in ("", CHANGES.get(stage)) else "soft" for stage in cases]
        if name == "corr.":
            series = ["ink" if stage in KEPT else stage for stage in cases]
            kept = [stage in KEPT[1:] for stage in cases]
            row = [said.replace(name, "still") if k else said for k, said in zip(kept, row)]
        data = pd.DataFrame({"x": middles, "text": row, "series": series})
        dy = alt.ExprRef(f"width > {PRESENTED_WIDTH} ? {far} : {near}")
        text = alt.Chart(data).mark_text(baseline="top", dy=dy, fontWeight="bold")
        marks.append(
            text.encode(alt.X("x:Q"), alt.YValue(0), alt.Text("text:N"), by_meaning(series))
        )
    return alt.layer(*marks)


def _numbers(result: Result) -> dict[str, list[str]]:
    """Return mean, std and, if both features vary, correlation of every stage in words."""
    rounding = EXACT * result.std.max(axis=-1, keepdims=True)
    means = np.where(np.abs(result.mean) < rounding, 0, result.mean)
    both = np.where(np.abs(result.correlation) < EXACT, 0, result.correlation)
    said = {
        "mean": ["; ".join(map(number, row)) for row in means.tolist()],
        "std": ["; ".join(map(number, row)) for row in result.std.tolist()],
        "corr.": list(map(number, both.tolist())),
    }
    return {name: row for name, row in said.items() if name != "corr." or not result.constant.any()}


def _classes(result: Result, plane: _Plane) -> Any:
    """Name the classes of a table right of the clouds."""
    if not result.classes:
        return None
    rows = [
        {"x": plane.columns.end, "y": 0.9 - 0.2 * label, "text": f"● {name}"}
        | {"series": f"class {label}"}
        for label, name in enumerate(result.classes)
    ]
    return texts(rows, align="left", dx=8, limit=LONGEST_NAME)


def features(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the largest normalized size of every feature, sorted, and name what never varies."""
    data = frame(tables(result)["features"]).sort_values("largest", ascending=False)
    data = data.assign(place=range(1, len(data) + 1))
    data = data.assign(series=np.where(data["constant"], "other", "normalized"))
    last, most = len(data) + 1, max(2.0, float(data["largest"].max()) * 1.1)
    whose = "columns" if result.table else "pixels of the digits"
    x = (
        alt.X("place:Q")
        .scale(domain=[0, last], nice=False)
        .axis(tickMinStep=1, tickCount=8, format="d", grid=False)
        .title(f"{whose}, sorted")
    )
    y = (
        alt.Y("largest:Q")
        .scale(domain=[-0.03 * most, most], nice=False)
        .axis(tickCount=5, grid=False)
        .title("largest distance from the mean, in stds")
    )
    named = [
        {"x": row.place, "y": row.largest, "series": "normalized"}
        | {"text": f"{row.feature}: {number(row.largest)}"}
        for row in data[~data["constant"]].head(NAMED).itertuples()
    ]
    unvaried = data[data["constant"]]["feature"].head(NAMED).tolist()
    said = f"never vary, so std 0:\n{', '.join(unvaried)}"
    chart = layers(
        rule("1 std", y=1, at=last, align="right"),
        alt.Chart(data)
        .mark_point(size=80, filled=True)
        .encode(
            x,
            y,
            by_meaning(data["series"]),
            tooltip=[alt.Tooltip("feature:N"), alt.Tooltip("largest:Q")],
        ),
        texts(named, align="left", dx=10, fontWeight="bold"),
        remark(said, last, 0.3 * most, align="right", meaning="other") if unvaried else None,
    )
    return Picture(chart, "The largest normalized value of every feature, sorted")


VIEWS = {"stages": stages, "shapes": shapes, "features": features}
SETTING = setting
