"""Gallery: functions and slopes on shared axes with a probe, and their properties."""

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts.functions import NAMES
from core.charts.panel import Panel, family, frame, stack
from core.charts.table import text_table
from core.experiments.activations.gallery import FUNCTIONS, Result, tables

FAMILY = [NAMES[name] for name in FUNCTIONS]
CURVES, ROWS = 212, 165  # px
TOP = 3.0  # of the drawn range: the functions differ around 0


def chart(results: dict[str, Result]) -> list[list[Panel]]:
    """Draw f and f' with the probe above the read-out and the properties."""
    current = list(results.values())[-1]
    return [
        [
            Panel(curves(results, "value", "f(x), drawn from -3 to 3"), "Functions", 1.2),
            Panel(readout(current), "Output, local gradient and upstream times local"),
        ],
        [
            Panel(curves(results, "slope", "f'(x), the local gradient"), "Slopes", 1.2),
            Panel(properties(current), "Properties of the functions, computed"),
        ],
    ]


def curves(results: dict[str, Result], field: str, title: str) -> Any:
    """Draw one quantity of every function, and the probe on it."""
    data = stack({label: tables(r)["curves"] for label, r in results.items()}, "run")
    data = data.assign(series=data["function"].map(NAMES), drawn=data[field].clip(-TOP, TOP))
    current = list(results.values())[-1]
    at = int(np.argmin(np.abs(data["x"].unique() - current.config.x)))
    probe = data[data["x"] == data["x"].unique()[at]]
    rule = alt.Chart(pd.DataFrame({"x": [current.config.x]})).mark_rule(strokeDash=[3, 3])
    dash = alt.StrokeDash("run:N").legend(None)
    if len(results) == 1:
        dash = alt.StrokeDash("series:N").scale(domain=FAMILY).legend(None)
    color = family(FAMILY).legend(None)
    base = alt.Chart(data).encode(
        alt.X("x:Q").title("x"),
        alt.Y("drawn:Q").title(None),
        color,
        tooltip=[
            "series",
            alt.Tooltip("x:Q", format=".2f"),
            alt.Tooltip(f"{field}:Q", format=".3g"),
        ],
    )
    dots = base.properties(data=probe).mark_point(opacity=1)
    return alt.layer(
        rule.encode(x="x:Q", color=alt.value("gray")), base.mark_line().encode(dash), dots
    ).properties(height=CURVES, title=title)


def readout(result: Result) -> Any:
    """Show what each function does to the probe and to the gradient that comes from above."""
    probe = frame(tables(result)["probe"])
    columns = {"function": probe["function"].map(NAMES).tolist()}
    for name in ("output", "local gradient", "upstream x local"):
        columns[name] = [f"{value:.4g}" for value in probe[name]]
    title = f"At x = {result.config.x:g}, upstream {result.config.upstream:g}"
    return text_table(columns, FAMILY).properties(height=ROWS, title=title)


def properties(result: Result) -> Any:
    """Show the computed properties."""
    data = frame(tables(result)["properties"])
    ends = zip(data["range from"], data["range to"])
    yes = {True: "yes", False: "no"}
    columns = {
        "function": data["function"].map(NAMES).tolist(),
        "range": [f"{low:.2g} to {high:.2g}" for low, high in ends],
        "zero-centred": data["zero-centered"].map(yes).tolist(),
        "saturates": data["saturates"].tolist(),
        "can die": data["can die"].map(yes).tolist(),
        "operations": [
            f"{all_} ({dear} exp)" if dear else f"{all_}"
            for all_, dear in zip(data["operations"], data["exponentials"])
        ],
    }
    return text_table(columns, FAMILY).properties(height=ROWS, title="Properties, computed")
