"""Gamma and beta: tanh's inputs under tanh, saturation by gamma, the identity, and an angle."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts.colours import by_meaning, colour
from core.charts.columns import Columns
from core.charts.curves import curves
from core.charts.marks import QUARTERS, Align, read_ends, remark, rule, texts, worded
from core.charts.picture import Picture, frame, layers
from core.experiments.batchnorm.gamma_beta.experiment import (
    COMPARED,
    CUT,
    GAMMAS,
    OUTPUT,
    Result,
    tables,
)
from core.lab.say import number, percent

TALLEST, SAID, MIDDLE, REACH = 0.48, 0.58, 0.83, 0.14  # heights: bars, words, tanh at 0 and above
CURVE = 121  # points of tanh's curve


def histogram(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw what enters tanh as bars below its curve, the saturated part marked."""
    extent, tallest = max(r.edges[-1] for r in shared), result.counts.max()
    bars = _bars(result, OUTPUT, tallest)
    drawn = (
        alt.Chart(bars)
        .mark_rect(opacity=0.75)
        .encode(
            alt.X("x:Q"),
            alt.X2("x2"),
            alt.Y("y:Q"),
            alt.Y2("top"),
            by_meaning(("with", "bad")),
            tooltip=[alt.Tooltip("x:Q", title="from", format=".2f"), alt.Tooltip("count:Q")],
        )
    )
    chart = layers(
        _tanh(extent),
        drawn,
        *_ghost(result, tallest),
        _saturated(result, bars),
        remark(_reason(result), extent, SAID, align="right"),
    )
    return Picture(chart, "What enters tanh: its histogram, and what lies in tanh's flat ends")


def setting(result: Result) -> Picture:
    """Draw the normalized values under tanh's curve, before gamma."""
    chart = layers(_tanh(result.edges[-1]), *_ghost(result, result.counts[COMPARED].max()))
    return Picture(chart, "Normalized values under the curve of tanh")


def _saturated(result: Result, bars: pd.DataFrame) -> Any:
    """Name what saturates over its bars, on the side where the normalized values are not named."""
    config, side = result.config, 1 if result.config.beta > 0 else -1
    settings = (f"γ = {number(config.gamma)}", f"β = {number(config.beta)}")
    what = "the output" if config.recover else ", ".join(settings)
    above = bars["top"][side * bars["x"] > CUT].max()
    words = {
        "x": 1.15 * CUT * side,
        "y": max(above + 0.08, 0.12),
        "text": f"{what}:\n{percent(result.saturated[OUTPUT])} saturated",
        "series": "bad",
    }
    return texts([words], align="left" if side > 0 else "right", style="head")


def _reason(result: Result) -> str:
    """Say what gamma and beta did to the normalized values."""
    config = result.config
    if config.recover:
        return f"output = input:\noff by {number(result.own)} at most"
    if abs(config.beta) > CUT:
        return "β moves the middle\nonto a flat end"
    if abs(config.gamma) == 1:
        return "γ = ±1: as wide\nas normalized"
    return (
        "γ stretches the values\ninto the flat ends"
        if abs(config.gamma) > 1
        else ("γ squeezes the values\ninto the middle")
    )


def _tanh(extent: float) -> Any:
    """Draw tanh over its inputs, its flat ends marked, and the cuts down to the axis."""
    z = np.unique([*np.linspace(-extent, extent, CURVE), -CUT, CUT])
    parts = {"bad": z[z <= -CUT], "tanh": z[np.abs(z) <= CUT], "bad ": z[z >= CUT]}
    data = pd.concat(
        frame({"x": part, "y": MIDDLE + REACH * np.tanh(part)}, series=name.strip(), part=name)
        for name, part in parts.items()
    )
    x = (
        alt.X("x:Q")
        .scale(domain=[-extent, extent], nice=False)
        .axis(tickCount=7, grid=False)
        .title("what enters tanh: γ · normalized value + β")
    )
    y = alt.Y("y:Q").scale(domain=[0, 1], nice=False).axis(None)
    curve = alt.Chart(data).mark_line().encode(x, y, by_meaning(data["series"]), alt.Detail("part"))
    left, right = (
        {"x": side * extent, "y": MIDDLE + side * (REACH - 0.1), "text": text, "series": "bad"}
        for side, text in ((-1, "flat: below\n−0.97"), (1, "flat: above\n0.97"))
    )
    return layers(
        curve,
        *(rule("", x=cut) for cut in (-CUT, CUT)),
        texts([left], align="left"),
        texts([right], align="right"),
        texts([{"x": 0, "y": MIDDLE, "text": "   tanh", "series": "tanh"}], align="left", dx=10),
    )


def _bars(result: Result, which: int, tallest: float) -> pd.DataFrame:
    """Return the bars of one histogram: from x to x2, up to top."""
    counts, edges = result.counts[which], result.edges
    middles = (edges[:-1] + edges[1:]) / 2
    return frame(
        {
            "x": edges[:-1],
            "x2": edges[1:],
            "y": 0.0,
            "top": TALLEST * counts / tallest,
            "count": counts,
            "series": np.where(np.abs(middles) > CUT, "bad", "with"),
        }
    )


def _ghost(result: Result, tallest: float) -> list[Any]:
    """Draw the outline of what the bars are compared with, and name it beside them."""
    bars, right = _bars(result, COMPARED, tallest), result.config.beta <= 0
    share = percent(result.saturated[COMPARED])
    what = "the input" if result.config.recover else "γ = 1, β = 0"
    outline = alt.Chart(bars.assign(x=(bars["x"] + bars["x2"]) / 2)).mark_line(
        interpolate="step", color=colour("soft"), strokeWidth=2
    )
    return [
        outline.encode(alt.X("x:Q"), alt.Y("top:Q")),
        remark(
            f"line: {what}:\n{share} saturated",
            1.15 * CUT * (1 if right else -1),
            0.8 * bars["top"].max(),
            align="left" if right else "right",
        ),
    ]


def by_gamma(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the saturated share against gamma, with the chosen beta and with 0."""
    beta = result.config.beta
    data = frame(tables(result)["gamma"])
    series = {"zero": "context" if beta else "tanh", "chosen": "tanh"}
    data = data[data["beta"].isin(("zero", "chosen") if beta else ("zero",))]
    data = data.assign(series=data["beta"].map(series))
    x = (
        alt.X("gamma:Q")
        .scale(domain=[0, GAMMAS[-1]], nice=False)
        .axis(values=list(range(0, 11, 2)), grid=False)
        .title("γ")
    )
    y = (
        alt.Y("saturated:Q")
        .scale(domain=[0, 1.05], nice=False)
        .axis(**QUARTERS)
        .title("share of tanh's inputs that saturate it")
    )
    said = {"tanh": (beta, result.by_gamma[0, -1])}
    said |= {"context": (0.0, result.by_gamma[1, -1])} if beta else {}
    ends = {
        name: (GAMMAS[-1], share, f"β = {number(at)}: {percent(share)}")
        for name, (at, share) in said.items()
    }
    gamma = abs(result.config.gamma)
    align: Align = "left" if gamma < GAMMAS[-1] / 2 else "right"
    chosen = rule(f"chosen: {number(gamma)}", x=gamma, at=1.0, align=align)
    tooltip = [alt.Tooltip("gamma"), alt.Tooltip("saturated:Q", format=".1%")]
    chart = layers(
        None if result.config.recover else chosen,
        curves(data, x=x, y=y, tooltip=tooltip),
        read_ends(ends, domain=(0, 1.05)),
    )
    return Picture(chart, "Saturated share of tanh's inputs by gamma")


def identity(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw output against input with what undoes the normalization, on two batches."""
    extent = float(np.abs(result.pairs).max())
    heads = {
        "good": "its own batch:\noutput = input",
        "bad": f"another batch:\noff by {number(result.other)} std",
    }
    columns = Columns(tuple(heads), -extent, extent)
    data = frame(tables(result)["identity"])
    case = data["batch"].map({"own": "good", "other": "bad"})
    data = columns.shifted(
        data.assign(series=case, case=case, x=data["input"], y=data["output"]), "x"
    )
    diagonal = columns.frames(-extent, extent)
    points = _panels(data, columns, extent, "input", "output")
    line = (
        alt.Chart(diagonal)
        .mark_rule(color=colour("soft"), strokeDash=[5, 4])
        .encode(alt.X("x:Q"), alt.X2("x2"), alt.Y("y:Q"), alt.Y2("y2"))
    )
    chart = layers(points, line, columns.heads(heads, 1.32 * extent))
    return Picture(chart, "Output against input with what undoes the normalization, two batches")


def angles(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw two units of the batch before and after, and one triangle of three examples."""
    heads = {
        case: f"{when}:\nstds {number(one)}, {number(two)}\nangle {_degrees(angle)}"
        for case, when, (one, two), angle in zip(
            ("raw", "with"), ("before", "after"), result.cloud.std(axis=1), result.angles
        )
    }
    middles = result.cloud.mean(axis=1, keepdims=True)
    cloud, corners = result.cloud - middles, result.corners - middles
    extent = float(max(np.abs(cloud).max(), np.abs(corners).max(), 1))
    columns = Columns(tuple(heads), -extent, extent)
    parts = [
        frame({"x": part[:, 0], "y": part[:, 1]}, case=case, series=case)
        for case, part in zip(heads, cloud)
    ]
    sides = [
        frame({"x": part[[1, 0, 2], 0], "y": part[[1, 0, 2], 1]}, case=case, point=range(3))
        for case, part in zip(heads, corners)
    ]
    points = _panels(
        columns.shifted(pd.concat(parts), "x"), columns, extent, "unit 1 minus its mean", "unit 2"
    )
    lines = (
        alt.Chart(columns.shifted(pd.concat(sides), "x"))
        .mark_line(color=colour("ink"), point={"color": colour("ink"), "size": 70})
        .encode(alt.X("x:Q"), alt.Y("y:Q"), alt.Detail("case"), alt.Order("point"))
    )
    chart = layers(points, lines, columns.heads(heads, 1.5 * extent))
    return Picture(chart, "Three examples before and after: the angle between them changes")


def _degrees(angle: float) -> str:
    return "none" if np.isnan(angle) else f"{angle:.0f}°"


def _panels(data: pd.DataFrame, columns: Columns, extent: float, x: str, y: str) -> Any:
    """Draw points in two square panels with room above for heads."""
    ticks = {float(at): number(at) for at in (-round(extent / 2), 0, round(extent / 2))}
    axis = (
        alt.Y("y:Q")
        .scale(domain=[-extent, 1.75 * extent], nice=False, zero=False)
        .axis(**worded(ticks), grid=False, domain=False, ticks=False)
        .title(y)
    )
    frames = alt.Chart(columns.frames(-extent, extent)).mark_rect(
        fill=None, stroke=colour("context")
    )
    points = alt.Chart(data).mark_point(size=40, opacity=0.5)
    return layers(
        frames.encode(columns.x(title=x, ticks=ticks), axis, alt.X2("x2"), alt.Y2("y2")),
        points.encode(alt.X("x:Q"), alt.Y("y:Q"), by_meaning(data["series"])),
    )


VIEWS = {"histogram": histogram, "gamma": by_gamma, "identity": identity, "angles": angles}
SETTING = setting
