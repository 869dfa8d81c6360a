"""Cost: time of each function as a multiple of ReLU's, and its share of a layer's time."""

from typing import Any

import altair as alt

from core.charts.functions import NAMES
from core.charts.panel import HEIGHT, Panel, stack
from core.experiments.activations.cost import Result, tables


def chart(results: dict[str, Result]) -> list[list[Panel]]:
    """Draw both as bars; a pinned run stands beside the current one."""
    data = stack({label: tables(r)["times"] for label, r in results.items()}, "run")
    data = data.assign(
        name=data["function"].map(NAMES),
        ratio=data["ratio to ReLU"],
        share=data["share of the layer"],
        forward=data["forward ns per element"],
        derivative=data["derivative ns per element"],
    )
    compared = len(results) > 1
    return [
        [Panel(bars(data, "ratio", ".1f", "Time, as a multiple of ReLU's", compared), "Ratios")],
        [Panel(bars(data, "share", ".0%", "Share of a whole layer's time", compared), "Shares")],
    ]


def bars(data: Any, field: str, form: str, title: str, compared: bool) -> Any:
    """Draw one horizontal bar per function with its number."""
    base = alt.Chart(data).encode(
        alt.X(f"{field}:Q").title(None).axis(format=form),
        alt.Y("name:N").sort(list(NAMES.values())).title(None),
        tooltip=[
            "name:N",
            "run:N",
            alt.Tooltip("forward:Q", format=".2f", title="forward, ns per element"),
            alt.Tooltip("derivative:Q", format=".2f", title="derivative, ns per element"),
        ],
    )
    if compared:
        base = base.encode(alt.Color("run:N").legend(orient="bottom"), alt.YOffset("run:N"))
    text = base.mark_text(align="left", dx=4).encode(text=alt.Text(f"{field}:Q", format=form))
    return alt.layer(base.mark_bar(), text).properties(height=HEIGHT, title=title)
