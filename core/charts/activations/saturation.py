"""Saturation: gradient left along a chain of units, and saturated units by input scale."""

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts.functions import NAMES
from core.charts.panel import HALF_HEIGHT, HEIGHT, Panel, family, stack
from core.experiments.activations.saturation import FUNCTIONS, Result, tables

FAMILY = [NAMES[name] for name in FUNCTIONS]
FLOOR, CEILING = 1e-20, 1e6  # of the log axes


def chart(results: dict[str, Result]) -> list[list[Panel]]:
    """Draw the gradient left by number of units; gradient and saturated share by input scale."""
    chains, scales = (_frame(results, name) for name in ("chain", "scales"))
    compared = len(results) > 1
    current = list(results.values())[-1]
    here = (
        alt.Chart(pd.DataFrame({"scale": [current.config.scale]}))
        .mark_rule(strokeDash=[3, 3], color="gray")
        .encode(x="scale:Q")
    )
    units = alt.X("units:Q").axis(tickMinStep=1, format="d").title("units in the chain")
    scale = alt.X("scale:Q").scale(type="log").axis(values=[0.1, 1, 10], format="~g")
    scale = scale.title("std of the inputs (log)")
    left = alt.Y("drawn:Q").scale(type="log").axis(format=".0e", tickCount=6).title(None)
    share = alt.Y("saturated:Q").scale(domain=[0, 1]).axis(format=".0%").title(None)
    legend = alt.Legend(orient="bottom", title=None, columns=3)
    return [
        [
            Panel(
                alt.layer(lines(chains, units, left, compared, legend)).properties(
                    height=HEIGHT, title="Gradient left after a chain of units (log)"
                ),
                "Gradient left by number of units, log axis",
                1.3,
            )
        ],
        [
            Panel(
                alt.layer(here, lines(scales, scale, y, compared, None)).properties(
                    height=HALF_HEIGHT, title=title
                ),
                f"{title} by input scale",
            )
            for y, title in (
                (share, "Units that pass less than 6% of their best"),
                (left, "Gradient left after the whole chain (log)"),
            )
        ],
    ]


def _frame(results: dict[str, Result], name: str) -> pd.DataFrame:
    data = stack({label: tables(result)[name] for label, result in results.items()}, "run")
    return data.assign(
        series=data["function"].map(NAMES), drawn=np.clip(data["gradient"], FLOOR, CEILING)
    )


def lines(data: pd.DataFrame, x: Any, y: Any, compared: bool, legend: Any) -> Any:
    """Draw one line per function; the pinned run is told by its dash."""
    dash = alt.StrokeDash("run:N").legend(None) if compared else alt.StrokeDash("series:N")
    if not compared:
        dash = dash.scale(domain=FAMILY).legend(legend)
    return (
        alt.Chart(data)
        .mark_line(point=True)
        .encode(
            x,
            y,
            family(FAMILY).legend(legend),
            dash,
            tooltip=[
                *("run:N", "series:N"),
                alt.Tooltip("gradient:Q", format=".3g"),
                alt.Tooltip("saturated:Q", format=".1%"),
            ],
        )
    )
