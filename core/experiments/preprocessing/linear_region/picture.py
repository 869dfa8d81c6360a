"""Linear region: the outputs of units in four columns, and the share of them by size of inputs."""

from collections.abc import Sequence

import altair as alt
import numpy as np
import pandas as pd

from core.charts.colours import by_meaning, colour
from core.charts.columns import Columns
from core.charts.curves import curves
from core.charts.marks import by_width, line_ends, remark, rule
from core.charts.picture import Picture, frame, layers
from core.experiments.preprocessing.linear_region.experiment import (
    CASES,
    EDGES,
    SHOWN_UNITS,
    SIZES,
    Result,
    tables,
)
from core.lab.say import number, percent
from core.nn.activations import ACTIVATIONS

TANH = ACTIVATIONS["tanh"]
TOP = -14.5  # where the picture begins, in rows over the first unit
HEAD, NOTES = -11.6, (-7.3, -4.7)  # where name and share stand, and what is special
BAND, NAME = -3.2, -1.7  # where the linear region begins, and where it is named
STUCK = 0.5  # share of saturated outputs from which on that is what is special
FULL = 0.3  # of a unit's outputs in one bin: drawn in full colour
TOOLTIP = [
    alt.Tooltip("case:N", title="inputs"),
    alt.Tooltip("start:Q", title="output from", format=".1f"),
    alt.Tooltip("count:Q", title="digits"),
]


def units(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw a strip per unit and case: on how many digits its output lies where."""
    columns = Columns(CASES, -1.0, 1.0)
    edge = float(TANH.value(np.array(result.config.limit)))
    band = columns.frames(BAND, SHOWN_UNITS + 0.7)
    middle = (band["x"] + band["x2"]) / 2
    band = band.assign(left=middle - edge, right=middle + edge)
    data = frame(tables(result)["units"]).query("count > 0")
    data = data.assign(
        series=data["case"],
        x=data["start"],
        x2=data["start"] + EDGES[1] - EDGES[0],
        y=data["unit"] - 0.9,
        y2=data["unit"] - 0.1,
        shade=np.sqrt(data["count"] / result.counts[0, 0].sum() / FULL).clip(upper=1),
    )
    x = columns.x(title="", ticks={-1: "−1", 0: "0", 1: "1"}).title(
        [
            "output tanh(z); each row: one unit; dark: often",
            f"shaded: tanh is nearly straight, |z| < {number(result.config.limit)}",
        ]
    )
    y = alt.Y("y:Q").scale(domain=[SHOWN_UNITS + 0.7, TOP], nice=False).axis(None)
    region = alt.Chart(band).mark_rule(color=colour("ink"), strokeDash=[4, 3])
    ends = {"x": band["left"], "x2": band["right"]}
    shaded = alt.Chart(band.assign(**ends)).mark_rect(color=colour("context"), opacity=0.2)
    named = [
        {"x": place, "y": NAME, "text": "linear", "short": "", "series": "soft"} for place in middle
    ]
    chart = layers(
        alt.Chart(columns.shifted(data, "x", "x2"))
        .mark_rect()
        .encode(
            x,
            y,
            by_meaning(CASES),
            alt.X2("x2"),
            alt.Y2("y2"),
            opacity=alt.Opacity("shade:Q").scale(None).legend(None),
            tooltip=TOOLTIP,
        ),
        *(
            region.encode(alt.X(f"{side}:Q"), alt.Y("y:Q"), alt.Y2("y2"))
            for side in ("left", "right")
        ),
        shaded.encode(alt.X("x:Q"), alt.X2("x2"), alt.Y("y:Q"), alt.Y2("y2")),
        by_width(named, align="center", style="remark"),
        columns.heads(
            {case: f"{case}\n{percent(share)} linear" for case, share in result.linear.items()},
            HEAD,
        ),
        by_width(
            [
                {"x": place, "y": height, "text": note, "series": "soft"}
                | {"short": note.replace("mean ", "")}
                for place, notes in zip(middle, _notes(result))
                for height, note in zip(NOTES, notes)
            ],
            align="center",
        ),
    )
    return Picture(chart, "Outputs of tanh units for four kinds of inputs, a strip a unit")


def _notes(result: Result) -> list[tuple[str, str]]:
    """Say what is special about the units of each case, and how far their means are off 0."""
    outputs = (EDGES[1:] + EDGES[:-1]) / 2
    means = (result.counts * outputs).sum(axis=-1) / result.counts.sum(axis=-1)
    away = np.abs(means).mean(axis=-1)
    return [
        (_place(*case), f"mean {number(round(case[1], 2))} from 0")
        for case in zip(result.saturated, away, result.spread)
    ]


def _place(saturated: float, away: float, spread: float) -> str:
    if saturated > STUCK:
        return "at the ends"
    return "off to a side" if away > spread else "around 0"


def sizes(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the share in the linear region against the size of the inputs, a line per case."""
    data = frame(tables(result)["sizes"])
    data = data.assign(series=data["case"])
    x = (
        alt.X("size:Q")
        .scale(type="log", domain=[SIZES[0], SIZES[-1]], nice=False)
        .axis(values=[0.1, 0.3, 1, 3, 10], format="~g", grid=False)
        .title("size (rms) of the inputs (log)")
    )
    y = (
        alt.Y("share:Q")
        .scale(domain=[0, 1], nice=False)
        .axis(format=".0%", tickCount=5, domain=False, ticks=False)
        .title("share of z in the linear region")
    )
    tooltip = [
        alt.Tooltip("case:N"),
        alt.Tooltip("size:Q", format=".2g"),
        alt.Tooltip("share:Q", format=".1%"),
    ]
    raw = pd.DataFrame([{"series": "raw", "size": result.rms[0], "share": result.linear["raw"]}])
    last = data[data["size"] == SIZES[-1]]
    ends = {row.case: (row.size, row.share, row.case) for row in last.itertuples(index=False)}
    point = (
        alt.Chart(raw)
        .mark_point(size=150, shape="diamond")
        .encode(alt.X("size:Q"), alt.Y("share:Q"))
    )
    chart = layers(
        rule(f"chosen: {number(result.config.size)}", x=result.config.size, at=0.97),
        curves(data, x=x, y=y, tooltip=tooltip),
        point.encode(by_meaning(["raw"])),
        line_ends(ends, domain=(0, 1)),
        remark(f"raw: {percent(result.linear['raw'])}", result.rms[0], 0.2, meaning="raw"),
    )
    return Picture(chart, "Share of preactivations in the linear region by size of the inputs")


def setting(result: Result) -> Picture:
    """Draw tanh and its linear region."""
    limit, z = result.config.limit, np.linspace(-5, 5, 101)
    data = frame({"z": z, "output": TANH.value(z)}, series="tanh")
    x = (
        alt.X("z:Q")
        .scale(domain=[-5, 5], nice=False)
        .axis(grid=False, tickCount=5)
        .title("preactivation z")
    )
    y = alt.Y("output:Q").scale(domain=[-1.1, 1.1], nice=False).axis(tickCount=5).title("tanh(z)")
    band = pd.DataFrame([{"x": -limit, "x2": limit}])
    slope = number(float(TANH.derivative(np.array(limit))))
    chart = layers(
        alt.Chart(band).mark_rect(color=colour("grid")).encode(alt.X("x:Q"), alt.X2("x2")),
        curves(data, x=x, y=y),
        remark(f"linear region:\nslope above {slope}", limit + 0.2, 0.0),
        remark("flat: slope near 0", 2.6, 0.85),
        remark("flat: slope near 0", -2.6, -0.85, align="right"),
    )
    return Picture(chart, "tanh with its linear region in the middle")


VIEWS = {"units": units, "sizes": sizes}
SETTING = setting
