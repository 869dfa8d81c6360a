"""The ReLU family: units that come back, PReLU's slopes, mean outputs, and noise."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts.colours import by_meaning, colour
from core.charts.columns import Columns
from core.charts.curves import curves
from core.charts.marks import (
    QUARTERS,
    apart,
    at_position,
    clipped,
    line_ends,
    position,
    remark,
    rule,
    texts,
)
from core.charts.picture import Picture, frame, layers
from core.experiments.activations.relu_family.experiment import (
    FUNCTIONS,
    NETWORKS,
    PLAIN,
    PREACTIVATIONS,
    Result,
    crossing,
    function_of,
    tables,
)
from core.lab.say import number, percent
from core.lab.words import name_of
from core.nn.activations import ACTIVATIONS
from core.nn.network import PRELU_SLOPE

BAR = 0.36  # height of a bar, in rows
BELOW = 0.08  # the interval, below its bar
LEAST = 1e-5  # of the log axis of the change under noise
DRAWN = np.linspace(-3, 1.5, 46)  # preactivations at which the functions are drawn
GREY = ["preactivation z; a unit that is off", "on all data has all digits in the grey"]


def recovery(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the share of the units off on all data that came back, a bar per function."""
    data = frame(tables(result)["units"], series=FUNCTIONS)
    data["measured"] = data["diverged runs"] < NETWORKS
    data = data.sort_values(["share", "measured"], ascending=False, ignore_index=True)
    data = data.assign(top=data.index + BAR, base=data.index, start=0)
    data["below"] = data["top"] + BELOW
    x = (
        alt.X("share:Q")
        .scale(domain=[0, 1], nice=False)
        .axis(**QUARTERS)
        .title(
            [
                "share of the switched-off units that came back",
                f"(thin line: 95% interval, {NETWORKS} networks)",
            ]
        )
    )
    y = (
        alt.Y("base:Q")
        .scale(domain=[-0.5, len(FUNCTIONS) - 0.55], reverse=True, nice=False)
        .axis(None)
    )
    bars = (
        alt.Chart(data)
        .mark_rect()
        .encode(
            x,
            y,
            by_meaning(data["series"]),
            alt.X2("start"),
            alt.Y2("top"),
            tooltip=[
                alt.Tooltip("function:N"),
                alt.Tooltip("off on all data:Q", title="units off on all data"),
                alt.Tooltip("came back:Q", title="of these came back"),
                alt.Tooltip("diverged runs:Q", title="networks that diverged"),
            ],
        )
    )
    spread = (
        alt.Chart(data[data["share high"] > data["share low"]])
        .mark_rule(color=colour("ink"))
        .encode(alt.X("share low:Q"), alt.X2("share high"), alt.Y("below:Q"))
    )
    values = [
        {"x": row["share"], "y": row["base"] + BAR / 2, "text": _value(row), "series": name}
        for name, row in zip(data["series"], data.to_dict("records"))
    ]
    why = _slopes(result)
    names = [
        {"x": 0, "y": at - 0.2, "text": why[name], "series": name}
        for at, name in enumerate(data["series"])
    ]
    chart = layers(
        bars,
        spread,
        texts(values, align="left", dx=8, fontWeight="bold"),
        texts(names, align="left"),
    )
    return Picture(chart, "Share of the units off on all data that came back, a bar a function")


def _value(row: dict[str, Any]) -> str:
    """Say how many of a function's units came back, and how many of its networks diverged."""
    diverged = int(row["diverged runs"])
    if not row["measured"]:
        return f"all {diverged} networks diverged"
    text = f"{percent(row['share'])} of {row['off on all data']} units"
    return text + f" ({diverged} diverged)" * (diverged > 0)


def _slopes(result: Result) -> dict[str, str]:
    """Say what slope each function has for negative inputs."""
    config = result.config
    return {
        "relu": "ReLU: slope 0, no gradient, never moves",
        "leaky_relu": f"Leaky ReLU: slope {number(config.slope)}, a little gradient",
        "elu": f"ELU: slope {number(config.alpha)} just below 0, then less and less",
        "prelu": f"PReLU: slope {number(PRELU_SLOPE)} at first, then learned",
    }


def slopes(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw PReLU's slope by epoch, a line per layer."""
    drawn = [frame(tables(r)["slopes"]) for r in shared]
    domain = (
        min(0.0, *(float(d["slope low"].min()) for d in drawn)),
        max(1.0, *(float(d["slope high"].max()) for d in drawn)),
    )
    data = frame(tables(result)["slopes"], series="prelu")
    data["line"] = data["layer"].map("layer {}".format)
    x = alt.X("epoch:Q").axis(tickMinStep=1, grid=False).scale(nice=False)
    y = (
        alt.Y("slope:Q")
        .scale(domain=domain, nice=False, zero=False)
        .axis(tickCount=6, domain=False, ticks=False)
        .title("PReLU's slope for negative inputs")
    )
    last = data[data["epoch"] == data["epoch"].max()]
    places = apart(position(last["slope"], domain).tolist())
    ends = [
        {"x": row.epoch, "y": y_, "text": f"{row.line}: {number(row.slope)}", "series": "prelu"}
        for row, y_ in zip(last.itertuples(index=False), at_position(places, domain))
    ]
    chart = layers(
        curves(
            data,
            x=x.title(["epoch, without the oversized step", f"(band: range of {PLAIN} networks)"]),
            y=y,
            tooltip=[
                alt.Tooltip("line:N"),
                alt.Tooltip("epoch:Q"),
                alt.Tooltip("slope:Q", format=".3f"),
            ],
        ),
        rule(f"start: {PRELU_SLOPE}", y=PRELU_SLOPE, at=result.config.epochs / 2),
        texts(ends, align="left", dx=8, fontWeight="bold"),
    )
    return Picture(chart, "The slope that PReLU learns, a line a layer")


def means(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the mean output by layer, from the inputs on, a line per function."""
    tops = [frame(tables(r)["layers"]) for r in shared]
    domain = (
        min(-0.1, *(t["mean low"].min() for t in tops)),
        max(t["mean high"].max() for t in tops),
    )
    measured = frame(tables(result)["layers"]).drop(columns="zero gradients")
    start = pd.DataFrame({"function": measured["function"].unique(), "layer": 0})
    for name in ("mean", "mean low", "mean high"):
        start[name] = result.inputs
    data = pd.concat([start, measured]).assign(series=lambda d: d["function"])
    depth = result.config.depth
    x = (
        alt.X("layer:Q")
        .scale(domain=[0, depth], nice=False)
        .axis(
            values=list(range(depth + 1)),
            labelExpr="datum.value == 0 ? 'inputs' : 'layer ' + datum.value",
            grid=False,
        )
        .title(["after training without the oversized step", f"(band: range of {PLAIN} networks)"])
    )
    y = (
        alt.Y("mean:Q")
        .scale(domain=domain, nice=False, zero=False)
        .axis(tickCount=6, domain=False, ticks=False)
        .title("mean output")
    )
    last = data[data["layer"] == depth]
    ends = {
        row.function: (depth, row.mean, f"{name_of(row.function)} {number(row.mean)}")
        for row in last.itertuples(index=False)
    }
    chart = layers(
        rule("mean 0", y=0, at=0),
        curves(
            data,
            x=x,
            y=y,
            points=True,
            tooltip=[alt.Tooltip("function:N"), alt.Tooltip("layer:Q"), alt.Tooltip("mean:Q")],
        ),
        line_ends(ends, domain=domain),
        _left_out(result, domain),
    )
    return Picture(chart, "Mean output by layer, a line a function")


def _left_out(result: Result, domain: tuple[float, float]) -> Any:
    """Name the functions of which every network diverged."""
    names = [name_of(name) for name, broken in zip(FUNCTIONS, result.broken) if broken.all()]
    if not names:
        return None
    return remark(
        f"{', '.join(names)}: every network diverged", 0, float(at_position(0.97, domain))
    )


def noise(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw how much noise on a preactivation changes a unit's output, a line per function."""
    domain = LEAST, 2 * max(float(r.change.max()) for r in shared)
    data = frame(tables(result)["noise"])
    data = data.assign(series=data["function"], drawn=clipped(data["change"], *domain))
    at, title = crossing(result), ["preactivation z: further below 0 to the right"]
    if at is not None:
        title.append(
            f"dashed: from z = {at:.1f} on ELU is steadier than Leaky ReLU".replace("-", "−")
        )
    x = (
        alt.X("preactivation:Q")
        .scale(domain=[PREACTIVATIONS[0], PREACTIVATIONS[-1]], reverse=True, nice=False)
        .axis(tickCount=6, grid=False)
        .title(title)
    )
    y = (
        alt.Y("drawn:Q")
        .scale(type="log", domain=domain, nice=False)
        .axis(values=[1e-4, 1e-3, 0.01, 0.1, 1], format="~g", domain=False, ticks=False)
        .title("change of the output, rms (log)")
    )
    last = data[data["preactivation"] == PREACTIVATIONS[0]]
    ends = {
        row.function: (
            row.preactivation,
            row.drawn,
            f"{name_of(row.function)} {_small(row.change)}",
        )
        for row in last.itertuples(index=False)
    }
    chart = layers(
        rule("", x=at, at=domain[0]) if at is not None else None,
        curves(
            data,
            x=x,
            y=y,
            tooltip=[
                alt.Tooltip("function:N"),
                alt.Tooltip("preactivation:Q"),
                alt.Tooltip("change:Q", format=".3g"),
            ],
        ),
        line_ends(ends, domain=domain, log=True),
    )
    return Picture(chart, "Change of a unit's output under noise, a line a function")


def _small(change: float) -> str:
    return number(change) if change == 0 or change >= LEAST else f"under {number(LEAST)}"


def setting(result: Result) -> Picture:
    """Draw the four functions, and where a unit that is off on all data has its preactivations."""
    columns = Columns(FUNCTIONS, float(DRAWN[0]), float(DRAWN[-1]), gap=0.12)
    parts, heads = [], {}
    for name in FUNCTIONS:
        known = function_of(name, result.config)
        values = np.where(DRAWN > 0, DRAWN, PRELU_SLOPE * DRAWN)
        if name != "prelu":
            values = (ACTIVATIONS[known] if isinstance(known, str) else known).value(DRAWN)
        parts.append(pd.DataFrame({"x": DRAWN + columns.shift(name), "y": values, "series": name}))
        heads[name] = name_of(name)
    data = pd.concat(parts)
    low = float(data["y"].min())
    off = columns.frames(low, float(DRAWN[-1])).assign(x2=lambda d: d["x"] - DRAWN[0])
    ground = (
        alt.Chart(off)
        .mark_rect(color=colour("grid"))
        .encode(
            columns.x(title="", ticks={0: "0"}).title(GREY),
            alt.Y("y:Q").scale(domain=[low, DRAWN[-1] * 1.3], nice=False).axis(None),
            alt.X2("x2"),
            alt.Y2("y2"),
        )
    )
    lines = (
        alt.Chart(data).mark_line().encode(alt.X("x:Q"), alt.Y("y:Q"), by_meaning(data["series"]))
    )
    return Picture(
        layers(ground, lines, columns.heads(heads, DRAWN[-1] * 1.05)),
        "The four functions; a unit that is off on all data is left of 0 in each",
    )


VIEWS = {"recovery": recovery, "slopes": slopes, "means": means, "noise": noise}
SETTING = setting
