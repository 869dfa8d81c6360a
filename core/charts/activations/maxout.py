"""Maxout: where the units change pieces in the plane, one unit's pieces, parameters, accuracy."""

from typing import Any

import altair as alt
import pandas as pd

from core.charts.panel import HALF_HEIGHT, HEIGHT, Panel, family, frame, stack
from core.charts.plane import points, regions
from core.experiments.activations.maxout import LINE, NETWORKS, Result, tables

NAMES = {"relu": "ReLU", "leaky_relu": "Leaky", "prelu": "PReLU", "maxout": "Maxout"}


def chart(results: dict[str, Result]) -> list[list[Panel]]:
    """Draw the plane of every run; the unit, the parameters and the accuracies beside it."""
    current = list(results.values())[-1]
    compared = len(results) > 1
    return [
        *(
            [Panel(plane(r, label if compared else "What the network learned"), "Plane", 1.3)]
            for label, r in results.items()
        ),
        [
            Panel(unit(current), "The two affine maps of one unit and their maximum"),
            Panel(parameters(current), "Parameters of the hidden layer by kind of unit"),
        ],
        [Panel(accuracy(results), "Training accuracy by epoch, maxout and ReLU", 0.9)],
    ]


def plane(result: Result, title: str) -> Any:
    """Draw the classes the network says, the points, and where each unit changes pieces."""
    switches = pd.DataFrame(tables(result)["switches"]).dropna()
    lines = (
        alt.Chart(switches)
        .mark_rule(strokeWidth=2)
        .encode(
            alt.X("x1:Q"),
            alt.Y("x2:Q"),
            x2="x1 end",
            y2="x2 end",
            tooltip=["unit:Q", alt.Tooltip("first piece wins:Q", format=".0%")],
            color=alt.value("gray"),
        )
    )
    ground = regions(result.regions, result.extent)
    shown = points(result.x, result.y, result.extent)
    return alt.layer(ground, shown, lines).properties(height=HEIGHT, title=title)


def unit(result: Result) -> Any:
    """Draw one unit's affine maps, dashed, and the greater one."""
    shown = pd.concat(
        [
            frame({"x": LINE, "y": line}, series=name)
            for name, line in (
                ("map 1", result.unit[0]),
                ("map 2", result.unit[1]),
                ("maximum", result.unit.max(axis=0)),
            )
        ]
    )
    names = ["map 1", "map 2", "maximum"]
    return (
        alt.Chart(shown)
        .mark_line()
        .encode(
            alt.X("x:Q"),
            alt.Y("y:Q").title(None),
            family(names).legend(None),
            alt.StrokeDash("series:N")
            .scale(domain=names, range=[[2, 3], [6, 4], [1, 0]])
            .legend(None),
        )
        .properties(height=HALF_HEIGHT, title=f"{NAMES[result.config.special]}: two maps, dashed")
    )


def parameters(result: Result) -> Any:
    """Draw how many numbers the hidden layer learns with each kind of unit."""
    data = pd.DataFrame(tables(result)["parameters"])
    data["unit"] = data["unit"].map(NAMES)
    y = alt.Y("unit:N").sort(None).title(None)
    bars = alt.Chart(data).mark_bar().encode(alt.X("parameters:Q").title(None), y)
    text = bars.mark_text(align="left", dx=4).encode(text="parameters:Q")
    return alt.layer(bars, text).properties(height=HALF_HEIGHT, title="Parameters, hidden layer")


def accuracy(results: dict[str, Result]) -> Any:
    """Draw both networks' training accuracy."""
    data = stack({label: tables(r)["epochs"] for label, r in results.items()}, "run")
    compared = len(results) > 1
    dash = alt.StrokeDash("run:N").legend(None) if compared else alt.StrokeDash("series:N")
    lines = (
        alt.Chart(data.rename(columns={"network": "series"}))
        .mark_line()
        .encode(
            alt.X("epoch:Q"),
            alt.Y("accuracy:Q").scale(domain=[0, 1.02], nice=False).axis(format=".0%").title(None),
            family(NETWORKS).legend(orient="bottom", title=None),
            dash,
            tooltip=["run", "series", "epoch", alt.Tooltip("accuracy:Q", format=".1%")],
        )
    )
    return alt.layer(lines).properties(height=HEIGHT, title="Training accuracy")
