"""Race: validation accuracy at a shared and at each function's best rate, and epochs by rate."""

from typing import Any

import altair as alt
import pandas as pd

from core.charts.curves import curves
from core.charts.functions import NAMES
from core.charts.panel import HEIGHT, Panel, family, stack
from core.experiments.activations.race import FUNCTIONS, RATES, Result, tables

FAMILY = [NAMES[name] for name in FUNCTIONS]


def chart(results: dict[str, Result]) -> list[list[Panel]]:
    """Draw both races, and the epochs to the target by learning rate."""
    epochs, rates = (
        stack({label: tables(r)[name] for label, r in results.items()}, "run").assign(
            series=lambda d: d["function"].map(NAMES)
        )
        for name in ("epochs", "rates")
    )
    current = list(results.values())[-1]
    compared = len(results) > 1
    return [
        *(
            [Panel(accuracy(epochs[epochs["rates"] == which], current, title), title)]
            for which, title in (
                ("one shared rate", f"Accuracy, all at rate {current.config.learning_rate:g}"),
                ("each at its best rate", "Accuracy, each at its best rate"),
            )
        ),
        [Panel(to_target(rates, current, compared), "Epochs to the target by learning rate")],
    ]


def accuracy(data: pd.DataFrame, result: Result, title: str) -> Any:
    """Draw mean and range over seeds of the validation accuracy, with the target."""
    y = alt.Y("mean:Q").scale(domain=[0, 1]).axis(format=".0%").title(None)
    drawn = curves(data, "mean", FAMILY, y=y, target=result.config.target)
    return drawn.properties(height=HEIGHT, title=title)


def to_target(data: pd.DataFrame, result: Result, compared: bool) -> Any:
    """Draw the mean epochs to the target against the learning rate."""
    names = [NAMES[name] for name in result.config.functions]
    legend = alt.Legend(orient="bottom", columns=3, title=None, values=names)
    dash = alt.StrokeDash("series:N").scale(domain=FAMILY).legend(legend)
    if compared:
        dash = alt.StrokeDash("run:N").legend(None)
    x = alt.X("rate:Q").scale(type="log").axis(values=list(RATES), format="~g")
    lines = (
        alt.Chart(data)
        .mark_line(point=True)
        .encode(
            x.title("learning rate (log)"),
            alt.Y("epochs to target:Q").title(None),
            family(FAMILY).legend(legend),
            dash,
            tooltip=[
                *("run", "series", "rate"),
                alt.Tooltip("epochs to target:Q", format=".1f"),
                alt.Tooltip("final accuracy:Q", format=".1%"),
            ],
        )
    )
    title = f"Epochs to {result.config.target:.0%}"
    return alt.layer(lines).properties(height=HEIGHT, title=title)
