"""Nonlinearity: what a linear and a nonlinear stack learn to say in the plane."""

from typing import Any

import altair as alt

from core.charts.functions import NAMES
from core.charts.panel import HEIGHT, Panel, family, stack
from core.charts.plane import points, regions
from core.experiments.activations.nonlinearity import STACKS, Result, tables


def chart(results: dict[str, Result]) -> list[list[Panel]]:
    """Draw the linear stack's plane, the nonlinear one's, and both accuracies."""
    current = list(results.values())[-1]
    titles = ["Linear stack", f"The same with {NAMES[current.config.activation]}"]
    planes = [(current, 0, titles[0]), (current, 1, titles[1])]
    if len(results) > 1:
        planes = [(result, 1, label) for label, result in results.items()]
    return [
        *([Panel(plane(r, row, title), f"Plane: {title}")] for r, row, title in planes),
        [Panel(accuracy(results), "Training accuracy by epoch, both stacks", 0.8)],
    ]


def plane(result: Result, row: int, title: str) -> Any:
    """Draw what one stack says in the plane, with the points it learned from."""
    ground = regions(result.regions[row], result.extent)
    shown = points(result.x, result.y, result.extent)
    return alt.layer(ground, shown).properties(height=HEIGHT, title=title)


def accuracy(results: dict[str, Result]) -> Any:
    """Draw both stacks' training accuracy."""
    data = stack({label: tables(r)["epochs"] for label, r in results.items()}, "run")
    dash = alt.StrokeDash("series:N").scale(domain=list(STACKS))
    if len(results) > 1:
        dash = alt.StrokeDash("run:N").legend(None)
    lines = (
        alt.Chart(data.rename(columns={"stack": "series"}))
        .mark_line()
        .encode(
            alt.X("epoch:Q"),
            alt.Y("accuracy:Q").scale(domain=[0, 1.02], nice=False).axis(format=".0%").title(None),
            family(STACKS).legend(orient="bottom", title=None, columns=1),
            dash,
            tooltip=["run", "series", "epoch", alt.Tooltip("accuracy:Q", format=".1%")],
        )
    )
    return alt.layer(lines).properties(height=HEIGHT, title="Training accuracy")
