"""Shallow or deep: accuracy and loss of both nets, from small weights and from Xavier's."""

from typing import Any

import altair as alt

from core.charts.curves import curves
from core.charts.panel import HALF_HEIGHT, HEIGHT, Panel, stack
from core.charts.table import text_table
from core.experiments.initialization.shallow_or_deep import LEARNED, NETS, SCALES, Result, tables

FAMILY = [f"{net}, {scale}" for net in NETS for scale in ("small", "Xavier")]


def chart(results: dict[str, Result]) -> list[list[Panel]]:
    """Draw accuracy by epoch; the loss and the spread at the start beside it."""
    data = stack({label: tables(r)["epochs"] for label, r in results.items()}, "run")
    scales = dict(zip(SCALES, ("small", "Xavier")))
    data = data.assign(series=data["net"] + ", " + data["weights"].map(scales))
    percent = alt.Y("accuracy:Q").scale(domain=[0, 1]).axis(format=".0%").title(None)
    accuracy = curves(data, "accuracy", FAMILY, y=percent, target=LEARNED)
    return [
        [
            Panel(
                accuracy.properties(height=HEIGHT, title="Validation accuracy, range of 3 seeds"),
                "Validation accuracy by epoch, depth and scale of the weights",
                1.3,
            )
        ],
        [
            Panel(
                curves(data, "loss", FAMILY, y=alt.Y("loss:Q").title(None)).properties(
                    height=HALF_HEIGHT + 30, title="Loss"
                ),
                "Loss by epoch, depth and scale of the weights",
            ),
            Panel(start(list(results.values())[-1]), "Spread of the last hidden layer at first"),
        ],
    ]


def start(result: Result) -> Any:
    """Show the std of the last hidden layer's outputs before training, and the accuracy after."""
    columns = {
        "net": FAMILY,
        "std at the start": [f"{std:.1e}" for std in result.spread.ravel()],
        "in the end": [f"{a:.0%}" for a in result.val_accuracy[..., -1].mean(axis=-1).ravel()],
    }
    table = text_table(columns, FAMILY)
    return table.properties(height=HALF_HEIGHT - 30, title="Last hidden layer, accuracy")
