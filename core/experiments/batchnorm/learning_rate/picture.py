"""Learning rate: the map with batch norm beside the one without, and gradients layer by layer."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np

from core.charts.colours import by_meaning, colour
from core.charts.columns import Columns
from core.charts.layers import by_layer, log_domain
from core.charts.marks import at_position, remark, worded
from core.charts.picture import Picture, frame, layers
from core.experiments.batchnorm.learning_rate.experiment import (
    CASES,
    RATES,
    SCALES,
    Result,
    growth,
    tables,
)
from core.lab.say import number, percent

NAMES = {"with": "with batch norm", "without": "without"}
HEAD = 2.9  # cells' height above the maps
TOOLTIP = [
    alt.Tooltip("rate:Q", title="learning rate", format=".2g"),
    alt.Tooltip("scale:Q", title="weight scale", format=".2g"),
    alt.Tooltip("said:N", title="right on training digits"),
]


def maps(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw both maps: solid where a network learns, paler the less it gets right."""
    columns = Columns(tuple(CASES), 0, len(RATES), gap=0.12)
    data = frame(tables(result)["map"])
    at = np.searchsorted(RATES, data["rate"])
    data = data.assign(x=at, x2=at + 1, y=np.searchsorted(-SCALES, -data["scale"]))
    data = data.assign(
        y2=data["y"] + 1,
        series=np.where(data["learns"], "good", "context"),
        seen=np.where(data["learns"], 1, 0.08 + 0.5 * data["accuracy"].fillna(0)),
        said=["diverged" if np.isnan(a) else percent(a) for a in data["accuracy"]],
    )
    data = columns.shifted(data, "x", "x2")
    x = columns.x(title="", ticks=_ticks(RATES, (0.01, 0.1, 1))).title(_title(result))
    y = (
        alt.Y("y:Q")
        .scale(domain=[len(SCALES), -HEAD], nice=False)
        .axis(
            **worded(_ticks(SCALES, (1, 0.1, 0.01, 0.001))), grid=False, domain=False, ticks=False
        )
        .title("size (std) of the starting weights (log)")
    )
    cells = (
        alt.Chart(data)
        .mark_rect(stroke=colour("ground"), strokeWidth=2)
        .encode(
            x,
            y,
            by_meaning(("good", "context")),
            alt.X2("x2"),
            alt.Y2("y2"),
            opacity=alt.Opacity("seen:Q", scale=None, legend=None),
            tooltip=TOOLTIP,
        )
    )
    gone = data[data["accuracy"].isna()]
    crosses = alt.Chart(gone.assign(x=gone["x"] + 0.5, y=gone["y"] + 0.5)).mark_text(
        text="✕", color=colour("soft"), fontWeight="bold"
    )
    heads = {case: _head(case, learns) for case, learns in zip(CASES, result.learns)}
    chart = layers(
        cells,
        None if gone.empty else crosses.encode(alt.X("x:Q"), alt.Y("y:Q")),
        columns.heads(heads, -1.5),
        *_reasons(result, columns),
    )
    return Picture(chart, "Which pairs of learning rate and weight scale learn, in two maps")


def _head(case: str, learns: np.ndarray) -> str:
    """Say how many pairs of a map learn, and up to which rate."""
    head = f"{NAMES[case]}:\n{learns.sum()} of {learns.size} learn"
    if not learns.any():
        return head
    return f"{head},\nup to a rate of {number(RATES[learns.any(axis=0)].max())}"


def _ticks(values: np.ndarray, shown: Sequence[float]) -> dict[float, str]:
    """Return the middles of the cells of some values, and how these are written."""
    return {int(np.abs(np.log(values / v)).argmin()) + 0.5: number(v) for v in shown}


def _title(result: Result) -> list[str]:
    """Name the axis, and say what the shades mean."""
    rows = result.learns[0].any(axis=1)
    which = "every size" if rows.all() else "most sizes" if rows.mean() > 0.5 else "some sizes"
    lines = [
        f"learning rate; green: over {percent(result.config.target)} right; ✕ diverged",
        f"sums divided by their std: {which} can learn",
    ]
    diverged = np.isnan(result.accuracy).sum(axis=(1, 2))
    if diverged[1] > diverged[0] == 0:
        lines.append("and too large a step cannot make them explode")
    return lines


def _reasons(result: Result, columns: Columns) -> list[Any]:
    """Say what goes wrong in a corner or below, where whole rows of cells do not learn."""
    lower = result.learns[1, len(SCALES) // 2 :]
    said = [
        (
            "the signal\nvanishes",
            len(RATES) / 2 + columns.shift("without"),
            5.5,
            result.config.depth > 1 and not lower.any(),
        ),
        ("small steps", 2.0, 0.5, not result.learns[0, 0, :4].any()),
    ]
    return [
        remark(text, x, y, align="center", meaning="ink") for text, x, y, shown in said if shown
    ]


def gradient(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the gradient of every layer's weights before training, from the last to the first."""
    logs = {case: np.exp(np.log(values).mean(axis=0)) for case, values in zip(CASES, result.shown)}
    domain = log_domain(*(np.exp(np.log(run.shown).mean(axis=1)) for run in shared))
    config, over = result.config, []
    times = np.exp(np.log(growth(result.shown)[0]).mean())
    if config.start == "he" and times > 2:
        text = (
            f"each normalized layer enlarges it:\n{number(times)} times over {config.deep} layers"
        )
        y = float(at_position(0.88, domain, log=True))
        over = [remark(text, 0.97 * config.deep, y, meaning="with")]
    chart = by_layer(
        logs,
        NAMES,
        domain=domain,
        title="std of the gradient of the weights (log)",
        depth=max(run.config.deep for run in shared),
        back=True,
        over=over,
    )
    return Picture(chart, "Gradient of each layer's weights, with batch norm and without")


VIEWS = {"map": maps, "gradient": gradient}
