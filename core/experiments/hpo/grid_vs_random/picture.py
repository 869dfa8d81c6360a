"""Grid or random: the same search laid out twice, the rates of all layouts, and what is asked."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts.colours import by_meaning, colour
from core.charts.columns import Columns
from core.charts.curves import curves
from core.charts.images import toned
from core.charts.marks import by_width, rule, texts, worded
from core.charts.picture import Picture, frame, layers
from core.experiments.hpo.grid_vs_random.experiment import LAYOUTS, WINDOWS, Result, tables
from core.lab.say import number, percent, power_of_ten

DRAWN = {"grid": "few values", "random": "random"}  # layout -> meaning
STRIP = 0.3  # height of the curve above a square, a share of its side
APART = 0.11  # of the two
ENDS = -0.19, 1.78  # of the axis: room below for what is counted, above for the heads
MIDDLE = alt.ExprRef(f"height * {(ENDS[1] - 0.5) / (ENDS[1] - ENDS[0]):.3f}")  # of a square
HEADS = 1.69, 1.55  # heights of their lines
LEAST_RIGHT = 0.8  # of the digits: lower accuracies are drawn as this one
FINE = 300  # columns of the image
SHADES = 0.08, 0.27, 0.35  # opacity of the worst, what the best adds to it, and what good ones add
COLUMNS = Columns(tuple(DRAWN.values()), 0, 1, gap=0.2)
LINES = {  # of the last view: layout -> meaning and the height at which it is named
    "grid": ("few values", 0.45),
    "random": ("random", 0.7),
    "latin": ("soft", 1.0),
}
BAR = 0.45  # thickness of a bar, of a row
FEW = ("grid", "uneven")  # layouts


def points(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw one search of each kind on the surface, and which values it tries."""
    data = frame(tables(result)["points"])
    chart = layers(
        *_ground(result),
        *(mark for layout in DRAWN for mark in _tried(result, data, layout)),
        by_width(
            [row for layout in DRAWN for row in _heads(result, layout)],
            align="center",
            style="head",
        ),
    )
    return Picture(chart, "A grid and as many random points on a surface, and the values they try")


def setting(result: Result) -> Picture:
    """Draw the surface twice, without any points."""
    return Picture(layers(*_ground(result)), "Where trainings are good: between the dashed lines")


def _ground(result: Result) -> list[Any]:
    """Draw in both columns the surface, above it the best that a value gives, and what is good."""
    across = (np.arange(FINE) + 0.5) / FINE
    scores = np.array([_between(row, across) for row in result.surface])
    best = _between(result.surface.max(axis=0), across)
    base, more, extra = SHADES
    shades = base + more * _share(result, scores) + extra * (scores >= result.good)
    squares = COLUMNS.frames(0, 1).assign(url=toned(shades[::-1], "val"))
    curve = pd.DataFrame({"x": across, "y": _above(result, best)})
    level = pd.DataFrame({"x": 0, "x2": 1, "y": [float(_above(result, result.good))]})
    zone = across[best >= result.good][[0, -1]]
    sides = pd.DataFrame({"x": zone, "y": 0, "y2": 1 + APART + STRIP})
    dashed: dict[str, Any] = {"strokeDash": [5, 4], "color": colour("soft")}
    return [
        alt.Chart(squares)
        .mark_image(aspect=False)
        .encode(*_axes(result), alt.X2("x2"), alt.Y2("y2"), alt.Url("url:N")),
        alt.Chart(_twice(level, "x", "x2"))
        .mark_rule(**dashed)
        .encode(alt.X("x:Q"), alt.X2("x2"), alt.Y("y:Q")),
        alt.Chart(_twice(sides, "x"))
        .mark_rule(**dashed)
        .encode(alt.X("x:Q"), alt.Y("y:Q"), alt.Y2("y2")),
        alt.Chart(_twice(curve, "x"))
        .mark_line(color=colour("val"), strokeWidth=1.5)
        .encode(alt.X("x:Q"), alt.Y("y:Q"), alt.Detail("case:N")),
    ]


def _twice(data: pd.DataFrame, *fields: str) -> pd.DataFrame:
    """Return rows for either column."""
    return COLUMNS.shifted(pd.concat(data.assign(case=c) for c in COLUMNS.cases), *fields)


def _axes(result: Result) -> tuple[Any, Any]:
    across: dict[float, str] = {}
    up: dict[float, str] = {}
    if result.config.surface == "formula":
        title = "first parameter: matters (strong blue: good)"
        second = f"second: matters {'as much' if result.config.second == 1 else 'less'}"
        worst, good = "score 0", number(result.good)
    else:
        title, second = "learning rate (log); strong blue: good", "reg (log)"
        across, up = (
            {place: _short(float(window.at(place))) for place in (0, 0.5, 1)}
            for window in WINDOWS[result.config.surface]
        )
        worst, good = f"under {percent(LEAST_RIGHT)}", percent(result.good)
    up |= {1 + APART: worst, float(_above(result, result.good)): f"good: {good}"}
    plain: dict[str, Any] = {"grid": False, "domain": False, "ticks": False}
    y = alt.Y("y:Q").scale(domain=ENDS, nice=False).title(second)
    return (
        COLUMNS.x(title=title, ticks=across),
        y.axis(**worded(up), **plain, titleY=MIDDLE, labelOverlap=False),
    )


def _between(scores: np.ndarray, places: Any) -> np.ndarray:
    """Return scores along an axis, known at the middles of its cells, at places from 0 to 1."""
    return np.interp(places, (np.arange(len(scores)) + 0.5) / len(scores), scores)


def _short(value: float) -> str:
    return power_of_ten(value) if value < 1e-4 else number(value)


def _share(result: Result, scores: Any) -> np.ndarray:
    """Return scores as shares of the way from a low one to the surface's best."""
    low = 0 if result.config.surface == "formula" else LEAST_RIGHT
    return np.clip((scores - low) / (result.surface.max() - low), 0, 1)


def _above(result: Result, scores: Any) -> np.ndarray:
    """Return the heights of scores in the strip above a square."""
    return 1 + APART + STRIP * _share(result, np.asarray(scores))


def _tried(result: Result, data: pd.DataFrame, layout: str) -> list[Any]:
    """Draw a layout's points, the good ones ringed and counted, and the values that they try."""
    meaning = DRAWN[layout]
    own = data[data["layout"] == layout]
    best = _between(result.surface.max(axis=0), own["first"])
    dots = pd.DataFrame(
        {
            "x": own["first"] + COLUMNS.shift(meaning),
            "y": own["second"],
            "score": own["score"],
            "above": _above(result, best),
        }
    )
    good = dots[dots["score"] >= result.good]
    counted = f"{len(good)} of {len(dots)} good"
    below = {"x": COLUMNS.shift(meaning) + 0.5, "y": ENDS[0] / 2, "series": meaning}
    form = ".2f" if result.config.surface == "formula" else ".1%"
    base = alt.Chart(dots).encode(alt.X("x:Q"), alt.ColorValue(colour(meaning)))
    return [
        base.mark_rule(strokeWidth=1, opacity=0.5).encode(alt.Y("y:Q"), alt.Y2("above:Q")),
        base.mark_point(size=60).encode(alt.Y("above:Q")),
        base.mark_point(size=110, stroke=colour("ground"), strokeWidth=1).encode(
            alt.Y("y:Q"), tooltip=[alt.Tooltip("score:Q", format=form)]
        ),
        alt.Chart(good)
        .mark_point(size=420, filled=False, strokeWidth=2.5, color=colour("ink"))
        .encode(alt.X("x:Q"), alt.Y("y:Q")),
        by_width(
            [below | {"text": f"this search: {counted}", "short": counted}],
            align="center",
            fontWeight="bold",
        ),
    ]


def _heads(result: Result, layout: str) -> list[dict[str, Any]]:
    """Write over a square how many values it tries, and how often that is enough."""
    rate = percent(result.rate(layout))
    name = f"{layout.title()}: {_distinct(result, layout)} values"
    lines = {
        HEADS[0]: {"text": f"{name} tried", "short": name},
        HEADS[1]: {"text": f"{rate} of searches find a good point", "short": f"good in {rate}"},
    }
    row = {"x": COLUMNS.shift(DRAWN[layout]) + 0.5, "series": DRAWN[layout]}
    return [row | text | {"y": y} for y, text in lines.items()]


def layouts(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw a bar of the rate for every layout, the best on top: is it the spacing?"""
    few, many = result.config.values, result.config.values**2
    names = {
        "latin": f"{many} values, equally spaced",
        "jittered": f"{many} values: a grid, every point moved by itself",
        "random": f"{many} values, random",
        "grid": f"{few} values, equally spaced: the grid",
        "uneven": f"{few} values, random: an uneven grid",
    }
    data = frame(tables(result)["layouts"]).sort_values("rate", ascending=False, kind="stable")
    data = data.assign(
        y=-np.arange(len(data), dtype=float),
        y2=lambda d: d["y"] - BAR,
        middle=lambda d: d["y"] - BAR / 2,
        none=0.0,
        series=np.where(data["layout"].isin(FEW), "few values", "random"),
        name=data["layout"].map(names),
        said=data["rate"].map(percent),
    )
    y = alt.Y("y:Q").scale(domain=[-len(data) + 0.4, 0.5], nice=False).axis(None)
    x = (
        alt.X("rate:Q")
        .scale(domain=[0, 1], nice=False)
        .axis(format=".0%", tickCount=5, domain=False, ticks=False)
        .title(f"searches that find a good point, of {number(result.best.shape[1])} each")
    )
    base = alt.Chart(data).encode(by_meaning(data["series"]))
    middle = alt.Y("middle:Q").axis(None)
    chart = layers(
        base.mark_bar(cornerRadiusEnd=3).encode(x, y, alt.X2("none"), alt.Y2("y2")),
        base.mark_text(align="left", dx=8, fontWeight="bold").encode(x, middle, alt.Text("said:N")),
        base.mark_text(align="left", baseline="bottom", dy=-4).encode(
            y, alt.X("none:Q"), alt.Text("name:N")
        ),
    )
    return Picture(
        chart, "Share of searches that find a good point, a bar per layout of the points"
    )


def rates(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the rate by what counts as good: by the width of the band, or by the accuracy."""
    data = frame(tables(result)["rates"])
    data = data[data["layout"].isin(LINES)]
    data = data.assign(series=data["layout"].map({k: meaning for k, (meaning, _) in LINES.items()}))
    by_formula = result.config.surface == "formula"
    asked = sorted(set(data["asked"]))
    x = alt.X("asked:Q").scale(domain=[asked[0], asked[-1]], nice=False, zero=False)
    chosen = result.config.band if by_formula else result.good
    title = (
        "width of the good band: share of its axis"
        if by_formula
        else "accuracy that counts as good"
    )
    y = alt.Y("rate:Q").scale(domain=[0, 1.12], nice=False).title("searches that find a good point")
    chart = layers(
        rule(f"here: {percent(chosen)}", x=chosen, at=0.04),
        curves(
            data,
            x=x.axis(format=".0%", tickCount=6, grid=False).title(title),
            y=y.axis(format=".0%", values=[0, 0.25, 0.5, 0.75, 1], domain=False, ticks=False),
            tooltip=[alt.Tooltip("asked:Q", format=".1%"), alt.Tooltip("rate:Q", format=".1%")],
        ),
        *(_name(result, data, layout) for layout in LINES),
    )
    return Picture(chart, "Share of searches that find a good point, by what counts as good")


def _name(result: Result, data: pd.DataFrame, layout: str) -> Any:
    """Name a line where its rate is about the height that LINES gives it: where it bends away."""
    meaning, height = LINES[layout]
    own = data[data["layout"] == layout]
    at = own.iloc[(own["rate"] - height).abs().argmin()]
    rises = result.config.surface == "formula"
    name, below = layout, 10 if rises else -10
    if layout == "latin":
        name, below = f"{_distinct(result, layout)} equally spaced values", -12
    row = {"x": at["asked"], "y": at["rate"], "text": name, "series": meaning}
    return texts([row], align="left", dx=10, dy=below, fontWeight="bold")


def _distinct(result: Result, layout: str) -> int:
    """Return how many values of a parameter a search tries."""
    return int(result.distinct[list(LAYOUTS).index(layout)])


VIEWS = {"points": points, "layouts": layouts, "rates": rates}
SETTING = setting
