"""A bad start: the loss of a bad and a good start by epoch, the plateau shaded."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts.colours import colour
from core.charts.curves import by_epoch, curves, explained_ends
from core.charts.marks import at_position, position, remark, rule
from core.charts.picture import Picture, frame, layers
from core.experiments.babysitting.bad_init.experiment import (
    BAD,
    LARGE,
    RATES,
    STARTS,
    Result,
    tables,
)
from core.lab.say import NEVER, arrival, number, percent
from core.lab.words import name_of

TOP = 1.25  # times the first loss of small weights: room above the plateau
ROOM = 0.35  # below 0, for the names of lines that end there
FADED = 10  # times smaller: a gradient that explains a plateau
FLOOR = 1e-3  # of the log axis that a large first loss needs
GUESSING = float(np.log(10))


def loss(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the loss by epoch, median and range of the seeds; on a log axis if it starts high."""
    large = max(float(run.loss[BAD, :, 0].mean()) for run in shared)
    log = bool(large > LARGE)
    highest = max(TOP * GUESSING, *(1.08 * float(run.loss[..., 0].max()) for run in shared))
    low, top = domain = (FLOOR, 3 * large) if log else (-ROOM, highest)
    data = frame(tables(result)["loss"]).assign(
        series=lambda d: d["start"],
        drawn=lambda d: d["loss"].clip(low, top),
        **{"drawn low": lambda d: d["low"].clip(low, top)},
        **{"drawn high": lambda d: d["high"].clip(low, top)},
    )
    end = max(run.config.epochs for run in shared)
    above = float(at_position(position(GUESSING, domain, log) + 0.045, domain, log))
    ticks = [0.01, 0.1, 1, 10, 100] if log else [0, 1, 2]
    y = (
        alt.Y("drawn:Q")
        .scale(type="log" if log else "linear", domain=domain, nice=False)
        .axis(values=ticks, format="~g" if log else ".1f", domain=False, ticks=False)
        .title("loss on the training digits" + " (log)" * log)
    )
    x = by_epoch(end, "")["x"]
    tooltip = [
        alt.Tooltip("start:N"),
        alt.Tooltip("epoch:Q", format=".1f"),
        alt.Tooltip("loss:Q", format=".3f"),
    ]
    chart = layers(
        _plateau(result, domain, log),
        rule("", y=GUESSING),
        remark(f"guessing: {number(GUESSING)}", end, above, align="right"),
        curves(data, x=x, y=y, tooltip=tooltip),
        explained_ends(_ends(result, data), domain=domain, log=log),
    )
    return Picture(chart, "Loss by epoch from a bad and a good start, the plateau shaded")


def _plateau(result: Result, domain: tuple[float, float], log: bool) -> Any:
    """Shade how long the bad start's loss stays, and say it."""
    own, (low, top) = result.plateau[BAD], domain
    height = float(at_position(0.96, domain, log))
    length = float(np.minimum(own, result.config.epochs).mean())
    if length <= 1.01 * result.every:
        said = f"no plateau: the loss falls from {number(result.loss[BAD, :, 0].mean())} at once"
        return remark(said, 0.06 * result.config.epochs, height)
    area = (
        alt.Chart(pd.DataFrame([{"x": 0, "x2": length, "low": low, "high": top}]))
        .mark_rect(opacity=0.12, color=colour("bad"))
        .encode(alt.X("x:Q"), alt.X2("x2:Q"), alt.Y("low:Q"), alt.Y2("high:Q"))
    )
    reached = arrival(own)
    said = "plateau: no end" if reached.startswith(NEVER) else f"plateau: {reached} epochs"
    bad, good = result.gradient
    if bad < good / FADED:
        said += f"\nfirst gradient: 1/{number(good / bad)}\nof the good start's"
    return layers(area, remark(said, 0.06 * result.config.epochs, height, meaning="bad"))


def _names(result: Result) -> tuple[str, str]:
    config = result.config
    return f"{number(config.weight_scale)} · randn", name_of(config.right)


def _falls(length: str) -> str:
    return f"10% down{':' if length.startswith(NEVER) else ' at epoch'} {length}"


def _ends(result: Result, data: pd.DataFrame) -> list[dict[str, Any]]:
    """Name both lines, and say for the bad one how many digits are right, for both the rate."""
    last = data.groupby("start")["drawn"].last()
    right = result.accuracy[..., -1].mean(axis=-1)
    lengths = [arrival(own) for own in result.plateau]
    return [
        {
            "series": start,
            "x": result.config.epochs,
            "y": float(np.nan_to_num(last.get(start, np.nan), nan=TOP * GUESSING)),
            "text": f"{name}: {percent(share)} right",
            "why": f"{_falls(length)}, rate {number(rate)}",
        }
        for start, name, share, length, rate in zip(
            STARTS, _names(result), right, lengths, result.rates
        )
    ]


def rates(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw what every rate gave either start on the seeds that chose it."""
    data = frame(tables(result)["rates"]).assign(series=lambda d: d["start"])
    x = (
        alt.X("rate:Q")
        .scale(type="log", domain=[RATES[0], RATES[-1]], nice=False)
        .axis(values=list(RATES), grid=False)
        .title("learning rate (log)")
    )
    y = by_epoch(1, "accuracy on unseen digits, mean of all epochs")["y"]
    ends = [
        {
            "series": start,
            "x": RATES[-1],
            "y": float(tried[-1]),
            "text": name,
            "why": f"best rate {number(rate)}",
        }
        for start, name, tried, rate in zip(STARTS, _names(result), result.tried, result.rates)
    ]
    chart = layers(
        curves(
            data,
            x=x,
            y=y,
            points=True,
            tooltip=[alt.Tooltip("start:N"), alt.Tooltip("rate:Q"), alt.Tooltip("accuracy:Q")],
        ),
        explained_ends(ends, domain=(0.0, 1.0)),
    )
    return Picture(chart, "Accuracy of both starts by learning rate")


VIEWS = {"loss": loss, "rates": rates}
