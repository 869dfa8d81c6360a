"""Edge: where the best five trials lie in their range, and how often each rule warns."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts.colours import by_meaning, colour
from core.charts.curves import curves
from core.charts.marks import QUARTERS, by_width, rule, worded
from core.charts.picture import Picture, frame, layers
from core.experiments.hpo.edge.experiment import (
    QUARTER,
    RULES,
    SEARCHES,
    TRIALS,
    Result,
    proposed,
    side,
    stored,
    tables,
)
from core.lab.say import number, percent
from core.nn.search import Range

ROOM = 0.46  # of the accuracies: above them, for the ranges
LINES = {"searched": (1.41, 1.34), "next": (1.22, 1.14)}  # of the accuracies: words, bar
FALLEN = 0.1  # right: a rate so much too large that the curve is at its end
COUNTS = ("none", "one", "two", "three", "four", "all five")
SERIES = dict(zip(RULES, ("good", "other")))
WHERE: dict[float, str] = {
    -1: "in the middle",
    0: "at the end",
    1: "10 times it",
    2: "100 times",
    3: "1,000 times",
    4: "10,000",
}
NAMES = dict(zip(RULES, ("4 of the best 5 in an outer quarter", "the best alone near an end")))


def rate(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw accuracy against learning rate: the best five, the range, and the next one."""
    return _against(result, shared, "rate")


def reg(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw accuracy against reg in the same way."""
    return _against(result, shared, "reg")


def _range(result: Result, name: str) -> Range:
    return result.rates if name == "rate" else result.regs


def _against(result: Result, shared: Sequence[Result], name: str) -> Picture:
    searched, values = _range(result, name), getattr(result, name)
    places = searched.position(values[result.top])
    ends = [[_range(run, name).low, _range(run, name).high] for run in shared]
    ours = result.config.source == "ours" and name == "rate"
    reach = [*np.ravel(ends)] + ([stored()["best_rate"], _fall()] if ours else [])
    if side(places):
        moved = proposed(searched, places)
        reach += [moved.low, moved.high]
    axis = Range(min(reach) / 1.5, max(reach) * 1.5, log=True)
    top = max(float(run.accuracy.max()) for run in shared)
    top = 1.0 if ours else top
    title = "learning rate (log)" if name == "rate" else "reg (log)"
    base = _axes(axis, top, title)
    chart = layers(
        _quarters(base, searched, top, places),
        *(_known(axis, top) if ours else ()),
        _dots(base, result, values),
        *_ranges(result, searched, places, axis, top),
    )
    return Picture(chart, f"Accuracy of the trials of a search against {title}")


def _fall() -> float:
    """Return the first rate above the best one at which nothing is learned any more."""
    known = stored()
    fallen = (known["rate"] > known["best_rate"]) & (known["accuracy"] < FALLEN)
    return float(known["rate"][fallen].min())


def _axes(axis: Range, top: float, title: str) -> Any:
    """Return a chart without data that has the axes."""
    powers = 10.0 ** np.arange(np.ceil(np.log10(axis.low)), np.log10(axis.high))
    kept = powers[:: -(-len(powers) // 5)].tolist()
    x = (
        alt.X("x:Q")
        .scale(type="log", domain=[axis.low, axis.high], nice=False)
        .axis(**worded({value: number(value) for value in kept}), grid=False)
        .title(title)
    )
    ticks = [0, 0.25, 0.5, 0.75, 1] if top > 0.6 else [0, 0.1, 0.2, 0.3, 0.4, 0.5]
    y = (
        alt.Y("y:Q")
        .scale(domain=[0, (1 + ROOM) * top], nice=False)
        .axis(values=ticks, format=".0%", domain=False, ticks=False)
        .title("right on validation data")
    )
    return alt.Chart().encode(x, y)


def _quarters(base: Any, searched: Range, top: float, places: np.ndarray | None = None) -> Any:
    """Shade the outer quarters of the range, stronger the one that the best trials crowd in.

    places: of the best trials in the range, if they are to be told.
    """
    seen = 0 if places is None else side(places)
    rows, names, crowd = [], [], []
    for end, ends in ((-1, (0, QUARTER)), (1, (1 - QUARTER, 1))):
        left, right = searched.at(np.array(ends)).tolist()
        shade = {"x": left, "x2": right, "y": 0, "y2": 1.04 * top}
        rows.append({**shade, "opacity": 0.22 if end == seen else 0.1})
        at = {"x": float(searched.at(sum(ends) / 2)), "series": "soft"}
        names.append({**at, "y": 0.35 * top, "text": "outer\nquarter", "short": ""})
        if places is not None and end == seen:
            said = _counted(places).replace("five best", "five\nbest")
            row = {**at, "y": 0.14 * top, "text": said, "short": said, "series": "good"}
            crowd.append(row)
    shades = (
        base.properties(data=pd.DataFrame(rows))
        .mark_rect(color=colour("context"))
        .encode(alt.X2("x2"), alt.Y2("y2"), opacity=alt.Opacity("opacity:Q").scale(None))
    )
    return layers(
        shades,
        by_width(names, align="center"),
        by_width(crowd, align="center", fontWeight="bold") if crowd else None,
    )


def _counted(places: np.ndarray) -> str:
    """Say how many of the best five are in the outer quarter that has more of them."""
    outer = int(max((places > 1 - QUARTER).sum(), (places < QUARTER).sum()))
    return "all five best" if outer == len(places) else f"{COUNTS[outer]} of the five best"


def _known(axis: Range, top: float) -> tuple[Any, ...]:
    """Draw what many other trials tell, which a search does not know: the curve and its top."""
    known = stored()
    data = pd.DataFrame({"x": known["rate"], "y": known["accuracy"]})
    data = data[(data["x"] >= axis.low) & (data["x"] <= axis.high)]
    line = (
        alt.Chart(data)
        .mark_line(color=colour("context"), strokeDash=[6, 4])
        .encode(alt.X("x:Q"), alt.Y("y:Q"))
    )
    best = float(known["best_rate"])
    upright = (
        alt.Chart(pd.DataFrame([{"x": best, "y": 0.42 * top, "y2": 1.1 * top}]))
        .mark_rule(color=colour("ink"))
        .encode(alt.X("x:Q"), alt.Y("y:Q"), alt.Y2("y2"))
    )
    said = f"best rate: {number(best)}"
    row = {"x": best, "y": 0.6 * top, "series": "ink", "text": said, "short": said}
    curve = f"dashed: {SEARCHES * TRIALS:,} other trials"
    note = {"x": best, "y": 0.5 * top, "series": "soft", "text": curve, "short": ""}
    style: dict[str, Any] = {"align": "right", "dx": -6}
    return (
        line,
        upright,
        by_width([row], fontWeight="bold", **style),
        by_width([note], fontStyle="italic", **style),
    )


def _dots(base: Any, result: Result, values: np.ndarray) -> Any:
    """Draw every trial, the best five in colour and large."""
    series = np.full(len(values), "context", dtype="<U7")
    series[result.abandoned] = "bad"
    series[result.top] = "good"
    data = frame(tables(result)["trials"]).assign(x=values, y=result.accuracy, series=series)
    dots = base.properties(data=data).encode(
        by_meaning(["context", "bad", "good"]),
        tooltip=[
            alt.Tooltip("val accuracy:Q", format=".1%"),
            alt.Tooltip("learning rate:Q", format=".3g"),
            alt.Tooltip("reg:Q", format=".3g"),
        ],
    )
    return layers(
        dots.mark_point(size=70, stroke=colour("ground"), strokeWidth=0.7).transform_filter(
            "datum.series == 'context'"
        ),
        dots.mark_point(shape="cross", angle=45, size=80, strokeWidth=0).transform_filter(
            "datum.series == 'bad'"
        ),
        dots.mark_point(size=130, filled=False, strokeWidth=2).transform_filter(
            "datum.series == 'good'"
        ),
    )


def _ranges(
    result: Result, searched: Range, places: np.ndarray, axis: Range, top: float
) -> list[Any]:
    """Draw the range that was searched as a bar; below it, as an arrow, the one to go to."""
    words = "searched"
    if not side(places):
        words = f"searched: {_counted(places)} in an outer quarter"
    if result.config.source == "lecture":
        words += f", the best at {percent(float(places[0]))} of the range"
    drawn = [_bar("searched", searched, axis, top, words, words.split(" in ")[0], "ink")]
    if seen := side(places):
        moved = proposed(searched, places)
        ratio = max(moved.low / searched.low, searched.low / moved.low)
        times = f"{ratio:,.0f}" if ratio > 2.5 else number(ratio)
        words = f"next: about {times} times {'higher' if seen > 0 else 'lower'}"
        short = f"next: {'×' if seen > 0 else '÷'} {times}"
        if result.config.source == "ours" and searched == result.rates:
            words, short = (a + b for a, b in zip((words, short), _reached(moved, seen)))
        head = alt.Chart(pd.DataFrame([{"x": (moved.low, moved.high)[seen > 0]}]))
        head = head.mark_point(
            shape="triangle-right" if seen > 0 else "triangle-left",
            size=420,
            xOffset=-7 * seen,
            color=colour("good"),
        ).encode(alt.X("x:Q"), alt.YDatum(LINES["next"][1] * top))
        drawn += [_bar("next", moved, axis, top, words, short, "good"), head]
    return drawn


def _reached(moved: Range, way: int) -> tuple[str, str]:
    """Say whether the next range has the best rate, in a few words and in very few."""
    place = float(moved.position(stored()["best_rate"]))
    if 0 <= place <= 1:
        return ", and the best rate is in it", ""
    if (place > 1) == (way > 0):
        return f", still {'below' if way > 0 else 'above'} the best rate", ", then again"
    return ", away from the best rate", " (away)"


def _bar(
    line: str, drawn: Range, axis: Range, top: float, text: str, short: str, series: str
) -> Any:
    """Draw a range as a bar with words over it, from that end which leaves them more room."""
    words, bar = (share * top for share in LINES[line])
    low, high = axis.position(np.array([drawn.low, drawn.high]))
    from_left = low <= 1 - high
    row = {"y": words, "text": text, "short": short, "series": series}
    row["x"] = drawn.low if from_left else drawn.high
    return layers(
        alt.Chart(pd.DataFrame([{"x": drawn.low, "x2": drawn.high, "y": bar}]))
        .mark_rule(strokeWidth=6, color=colour(series))
        .encode(alt.X("x:Q"), alt.X2("x2"), alt.Y("y:Q")),
        by_width([row], align="left" if from_left else "right", fontWeight="bold"),
    )


def alarms(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw how often each rule warns, by how far above the range the best rate lies."""
    data = frame(tables(result)["warnings"]).melt(
        "decades outside", list(RULES), var_name="rule", value_name="share"
    )
    data = data.assign(series=data["rule"].map(SERIES), line=data["rule"].map(NAMES))
    x = (
        alt.X("decades outside:Q")
        .scale(domain=[-1, 4], nice=False)
        .axis(**worded(WHERE), grid=False)
        .title("best rate, against the upper end of the range")
    )
    y = (
        alt.Y("share:Q")
        .scale(domain=[0, 1.12], nice=False)
        .axis(**QUARTERS)
        .title("searches that warn")
    )
    names = [
        {"x": x, "y": y, "text": NAMES[name], "short": NAMES[name], "series": SERIES[name]}
        for name, x, y in zip(RULES, (0.1, 0.1), (1.06, 0.12))
    ]
    far = {"x": 3.95, "y": 0.85, "series": "soft", "text": "too far away:\nno trial learns"}
    chart = layers(
        rule("", x=0),
        curves(
            data,
            x=x,
            y=y,
            points=True,
            tooltip=[alt.Tooltip("line:N"), alt.Tooltip("share:Q", format=".0%")],
        ),
        by_width(names, fontWeight="bold"),
        by_width([{**far, "short": ""}], align="right", fontStyle="italic"),
    )
    return Picture(chart, "Share of searches that warn, by how far outside the best rate lies")


def search(result: Result) -> Picture:
    """Draw the search alone: its range and its trials, nothing beyond."""
    searched = result.rates
    axis = Range(searched.low / 1.5, searched.high * 1.5, log=True)
    base = _axes(axis, 1.0, "learning rate (log)")
    chart = layers(_quarters(base, searched, 1.0), _dots(base, result, result.rate))
    return Picture(chart, "Accuracy of the trials of a search against learning rate")


SETTING = search
VIEWS = {"rate": rate, "reg": reg, "alarms": alarms}
