"""Layers: their histograms, one column per net on one axis, and one statistic per layer."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts.panel import HALF_HEIGHT, family

RIDGE = 0.92  # height of the tallest bar of a layer, in layers
FLOOR, CEILING = 1e-8, 1e6  # of the log axes
COLUMN = 1.12  # width of a column with the gap after it, in ranges of the histogram


def ridges(
    data: pd.DataFrame, titles: Mapping[str, str], names: Sequence[str], ends: tuple[float, float]
) -> Any:
    """Draw one column of histograms per scheme, layer 1 on top, each scaled to its own peak.

    data: scheme, series, layer, left, right, count; titles: text above each scheme's column; names:
    the family of the series; ends: of the histograms' range.
    """
    low, high = ends
    gap = (high - low) * COLUMN
    places = {scheme: i * gap for i, scheme in enumerate(titles)}
    offset = data["scheme"].map(places).astype(float)
    peak = data.groupby(["scheme", "layer"])["count"].transform("max").clip(lower=1)
    data = data.assign(
        x=data["left"] + offset,
        x2=data["right"] + offset,
        base=data["layer"].astype(float),
        top=data["layer"] - RIDGE * data["count"] / peak,
    )
    x = _values(low, high, gap, len(titles))
    # The axis takes its ends from the data: a chart whose specification stays the same is updated
    # in the browser, not built anew.
    y = (
        alt.Y("base:Q")
        .scale(nice=False, zero=False, reverse=True)
        .axis(
            tickMinStep=1,
            tickCount=10,
            grid=False,
            labelExpr="datum.value < 1 ? '' : format(datum.value, 'd')",
        )
        .title("layer")
    )
    color = family(names).legend(None)
    bars = (
        alt.Chart(data[data["count"] > 0])
        .mark_rect()
        .encode(
            x,
            y,
            color,
            x2="x2",
            y2="top",
            tooltip=[
                *("series", "layer", "count"),
                alt.Tooltip("left:Q", format=".3f"),
                alt.Tooltip("right:Q", format=".3f"),
            ],
        )
    )
    series = data.drop_duplicates("scheme").set_index("scheme")["series"]
    heads = pd.DataFrame({"x": places, "text": titles, "series": series}).loc[list(titles)]
    heads = heads.assign(x=heads["x"] + (low + high) / 2, base=-0.35)
    text = (
        alt.Chart(heads)
        .mark_text(fontWeight="bold", baseline="middle")
        .encode(x="x:Q", y="base:Q", text="text:N", color=color)
    )
    return alt.layer(bars, text)


def _values(low: float, high: float, gap: float, columns: int) -> alt.X:
    """Return the axis of all columns, which counts from `low` to `high` anew in each."""
    ticks = [i * gap + v for i in range(columns) for v in (low, (low + high) / 2, high)]
    label = f"format((datum.value + 1e-9 - {low}) % {gap} + {low}, '.1~f')"
    return (
        alt.X("x:Q")
        .scale(domain=[low, low + gap * (columns - 1) + high - low], nice=False)
        .axis(values=ticks, labelExpr=label, grid=False, labelFlush=False)
        .title(f"activation, drawn from {low:g} to {high:g}")
    )


def spread(data: pd.DataFrame, field: str, title: str, names: Sequence[str]) -> Any:
    """Draw one statistic per layer on a log axis; what has vanished lies on the floor."""
    dash = alt.StrokeDash("run:N").legend(None)
    if data["run"].nunique() == 1:
        dash = alt.StrokeDash("series:N").scale(domain=list(names)).legend(None)
    return (
        alt.Chart(data.assign(drawn=np.clip(data[field], FLOOR, CEILING)))
        .mark_line(point=True)
        .encode(
            alt.X("layer:Q").axis(tickMinStep=1, format="d").scale(zero=False),
            alt.Y("drawn:Q")
            .scale(type="log", nice=True)
            .axis(format=".0e", tickCount=5)
            .title(None),
            family(names).legend(None),
            dash,
            tooltip=["run", "series", "layer", alt.Tooltip(f"{field}:Q", format=".4g")],
        )
        .properties(height=HALF_HEIGHT, title=title)
    )
