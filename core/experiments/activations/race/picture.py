"""Race: sorted bars of epochs to the target, and the curves they are read from."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts.colours import by_meaning, colour
from core.charts.curves import curves
from core.charts.marks import APART, line_ends, on_phone, remark, rule
from core.charts.picture import Picture, frame, layers
from core.experiments.activations.race.experiment import Result, tables
from core.lab.say import NEVER, number, percent
from core.lab.words import name_of

REASON = "each sigmoid passes at most 1/4 of the gradient back"
SHORT = "slope: at most 1/4"  # on a phone
ROOM = 0.55  # of the longest bar: as much a bar needs for the reason inside it
TOOLTIP = [
    alt.Tooltip("name:N", title="function"),
    alt.Tooltip("said:N", title="epochs"),
    alt.Tooltip("rate:Q", title="learning rate", format="~g"),
]


def best(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw a bar of epochs for every function at its own best rate, the fastest on top."""
    chart = layers(_bars(result, shared, "best rate"), _reason(result, shared))
    return Picture(chart, "Epochs to the target, a bar a function, each at its own best rate")


def one_rate(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the same bars with all functions at the one shared rate."""
    chart = _bars(result, shared, "shared rate")
    return Picture(chart, "Epochs to the target, a bar a function, all at one learning rate")


def _sorted(result: Result, table: str) -> pd.DataFrame:
    """Return a row per function, the fastest first."""
    data = frame(tables(result)[table]).sort_values("epochs", kind="stable", ignore_index=True)
    return data.assign(series=data["function"], name=data["function"].map(name_of))


def _bars(result: Result, shared: Sequence[Result], table: str) -> Any:
    """Draw the bars of a table, each with its number of epochs and its rate behind it."""
    data = _sorted(result, table)
    end = max(max(tables(run)[table]["epochs"]) for run in shared)
    data = data.assign(
        text=[_label(row.said) for row in data.itertuples()],
        at=[_rate(row, table) for row in data.itertuples()],
        seen=np.where(data["never"] > 0, 0.3, 1.0),  # what does not arrive is pale
    )
    x = (
        alt.X("epochs:Q")
        .scale(domain=[0, end], nice=False)
        .axis(tickCount=5, tickMinStep=1, domain=False, ticks=False)
        .title(_axis_title(result, table))
    )
    base = alt.Chart(data).encode(x, _rows(data))
    in_colour = base.encode(by_meaning(data["series"]))
    bars = in_colour.mark_bar(cornerRadiusEnd=3).encode(
        opacity=alt.Opacity("seen:Q").scale(None).legend(None), tooltip=TOOLTIP
    )
    return alt.layer(
        bars,
        in_colour.mark_text(align="left", dx=8, baseline="bottom", fontWeight="bold").encode(
            alt.Text("text:N")
        ),
        base.mark_text(align="left", dx=8, baseline="top", color=colour("soft")).encode(
            alt.Text("at:N")
        ),
    )


def _rows(data: pd.DataFrame) -> alt.Y:
    return (
        alt.Y("name:N")
        .sort(data["name"].tolist())
        .scale(paddingInner=0.35)
        .axis(domain=False, ticks=False, labelColor=colour("ink"), labelFontWeight="bold")
        .title(None)
    )


def _label(said: str) -> str:
    if said.startswith(NEVER):
        return said
    return f"{said} {'epoch' if said == '1' else 'epochs'}"


def _rate(row: Any, table: str) -> str:
    """Name a function's own rate, where it arrived with it; a shared one is in the axis title."""
    return "" if table != "best rate" or row.said == NEVER else f"rate {number(row.rate)}"


def _axis_title(result: Result, table: str) -> str:
    which = "each at its best rate"
    if table == "shared rate":
        which = f"all at learning rate {number(result.config.learning_rate)}"
    return f"epochs to {percent(result.config.target)} accuracy, {which}"


def _reason(result: Result, shared: Sequence[Result]) -> alt.Chart | None:
    """Say inside the sigmoid's bar why it is the longest."""
    data = _sorted(result, "best rate")
    end = max(max(tables(run)["best rate"]["epochs"]) for run in shared)
    last = data.iloc[-1]
    if last["function"] != "sigmoid" or last["never"] or last["epochs"] < ROOM * end:
        return None
    at = pd.DataFrame({"epochs": [0], "name": [last["name"]]})
    said = on_phone(f"'{SHORT}'", f"'{REASON}'")
    return (
        alt.Chart(at)
        .mark_text(align="left", dx=8, baseline="middle", color=colour("ground"), text=said)
        .encode(alt.X("epochs:Q"), _rows(data))
    )


def by_epoch(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the accuracy of every function at its own best rate, named in the order of arrival."""
    data = frame(tables(result)["epochs"])
    data = data.assign(series=data["function"], name=data["function"].map(name_of))
    domain, x_end = (0.0, 1.0), max(run.config.epochs for run in shared)
    x = (
        alt.X("epoch:Q")
        .scale(domain=[0, x_end], nice=False)
        .axis(tickCount=5, grid=False)
        .title("epochs")
    )
    y = (
        alt.Y("accuracy:Q")
        .scale(domain=domain, nice=False)
        .axis(format=".0%", tickCount=5, domain=False, ticks=False)
        .title("accuracy on unseen digits")
    )
    target = result.config.target
    tooltip = [
        alt.Tooltip("name:N", title="function"),
        alt.Tooltip("epoch:Q", format=".1f"),
        alt.Tooltip("accuracy:Q", format=".1%"),
    ]
    chart = layers(
        curves(data, x=x, y=y, tooltip=tooltip),
        rule("", y=target),
        remark(f"target: {percent(target)}", 0.75 * x_end, target - APART),
        line_ends(_ends(result, data), domain=domain),
    )
    return Picture(chart, "Accuracy by epoch, a line a function, each at its own best rate")


def _ends(result: Result, data: pd.DataFrame) -> dict[str, tuple[float, float, str]]:
    """Return the names of the lines from the top down in the order of arrival, apart."""
    last = data[data["epoch"] == data["epoch"].max()].set_index("function")
    ends, top = {}, 1.0
    for row in _sorted(result, "best rate").itertuples():
        height = min(top, float(last["accuracy"][row.function]))
        ends[row.function] = (float(data["epoch"].max()), height, f"{row.name} {row.said}")
        top = height - APART
    return ends


VIEWS = {"best": best, "curves": by_epoch, "shared": one_rate}
