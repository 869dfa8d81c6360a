"""Training: accuracy and loss by epoch for every scheme of initial weights."""

from typing import Any

import altair as alt

from core.charts.curves import curves
from core.charts.initialization.depth import FAMILY, NAMES
from core.charts.panel import HALF_HEIGHT, HEIGHT, Panel, stack
from core.charts.table import text_table
from core.experiments.initialization.training import Result, tables

FLOOR, CEILING = 1e-3, 1e3  # of the log axis of the loss


def chart(results: dict[str, Result]) -> list[list[Panel]]:
    """Draw accuracy by epoch; the loss and a table of the schemes beside it."""
    data = stack({label: tables(r)["epochs"] for label, r in results.items()}, "run")
    data = data.assign(series=data["scheme"].map(NAMES))
    losses = ["loss", "loss low", "loss high"]
    data[losses] = data[losses].fillna(CEILING).clip(FLOOR, CEILING)
    current = list(results.values())[-1]
    percent = alt.Y("accuracy:Q").scale(domain=[0, 1]).axis(format=".0%").title(None)
    log = alt.Y("loss:Q").scale(type="log").axis(format="~g", tickCount=4).title(None)
    accuracy = curves(data, "accuracy", FAMILY, y=percent, target=current.config.target)
    return [
        [
            Panel(
                accuracy.properties(height=HEIGHT, title="Validation accuracy, range of 3 seeds"),
                "Validation accuracy by epoch and scheme",
                1.3,
            )
        ],
        [
            Panel(
                curves(data, "loss", FAMILY, y=log).properties(
                    height=HALF_HEIGHT + 30, title="Loss (log, from 0.001 to 1,000)"
                ),
                "Loss by epoch and scheme",
            ),
            Panel(schemes(current), "Epochs to the target and final accuracy by scheme"),
        ],
    ]


def _shown(result: Result) -> list[str]:
    return [NAMES[scheme] for scheme in result.config.schemes]


def schemes(result: Result) -> Any:
    """Show per scheme the epochs to the target, the final accuracy, and diverged seeds."""
    rows, never = tables(result)["schemes"], result.config.epochs + 1
    columns = {
        "weights": _shown(result),
        f"epochs to {result.config.target:.0%}": [
            "never" if epochs == never else f"{epochs:.1f}" for epochs in rows["epochs to target"]
        ],
        "in the end": [f"{accuracy:.0%}" for accuracy in rows["final accuracy"]],
        "diverged": [f"{count} of 3" for count in rows["diverged"]],
    }
    table = text_table(columns, FAMILY)
    return table.properties(height=HALF_HEIGHT - 30, title="Mean of 3 seeds")
