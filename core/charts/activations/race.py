"""Race: validation accuracy at a shared and at each function's best rate, and epochs by rate."""

from typing import Any

import altair as alt
import pandas as pd

from core.charts.curves import curves
from core.charts.functions import NAMES
from core.charts.panel import HALF_HEIGHT, HEIGHT, Panel, family, stack
from core.charts.table import text_table
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
        [
            Panel(to_target(rates, current, compared), "Epochs to the target by learning rate"),
            Panel(ranking(current), "Functions in the order of epochs at their best rates"),
        ],
    ]


def accuracy(data: pd.DataFrame, result: Result, title: str) -> Any:
    """Draw mean and range over seeds of the validation accuracy, with the target."""
    y = alt.Y("accuracy:Q").scale(domain=[0, 1]).axis(format=".0%").title(None)
    drawn = curves(data, "accuracy", FAMILY, y=y, target=result.config.target)
    return drawn.properties(height=HEIGHT, title=title)


def to_target(data: pd.DataFrame, result: Result, compared: bool) -> Any:
    """Draw the mean epochs to the target against the learning rate."""
    dash = alt.StrokeDash("series:N").scale(domain=FAMILY).legend(None)
    if compared:
        dash = alt.StrokeDash("run:N").legend(None)
    lines = (
        alt.Chart(data)
        .mark_line(point=True)
        .encode(
            alt.X("rate:Q")
            .scale(type="log")
            .axis(values=list(RATES), format="~g")
            .title("learning rate (log)"),
            alt.Y("epochs to target:Q").title(None),
            family(FAMILY).legend(None),
            dash,
            tooltip=[
                *("run", "series", "rate"),
                alt.Tooltip("epochs to target:Q", format=".1f"),
                alt.Tooltip("final accuracy:Q", format=".1%"),
            ],
        )
    )
    title = f"Epochs to {result.config.target:.0%}"
    return alt.layer(lines).properties(height=HALF_HEIGHT - 5, title=title)


def ranking(result: Result) -> Any:
    """Show epochs to the target at the shared and at the best rate, the fastest first."""
    epochs, shared = result.to_target, RATES.index(result.config.learning_rate)
    never = result.config.epochs + 1

    def said(value: float) -> str:
        return "never" if value == never else f"{value:.1f}"

    rows = sorted(enumerate(result.best), key=lambda row: epochs[row])
    columns = {
        "function": [NAMES[result.config.functions[i]] for i, _ in rows],
        "at best": [said(epochs[row]) for row in rows],
        "its rate": [f"{RATES[rate]:g}" for _, rate in rows],
        f"at {result.config.learning_rate:g}": [said(epochs[i, shared]) for i, _ in rows],
    }
    return text_table(columns, FAMILY).properties(height=HALF_HEIGHT + 5, title="Epochs, ranked")
