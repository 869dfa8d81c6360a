"""Dead ReLUs: units off by learning rate, the lines of the units over the data, and by epoch."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts import plane
from core.charts.colours import by_meaning, colour
from core.charts.columns import Columns
from core.charts.curves import curves
from core.charts.marks import (
    APART,
    QUARTERS,
    apart,
    at_position,
    by_width,
    position,
    remark,
    rule,
    texts,
    worded,
)
from core.charts.picture import Picture, frame, layers
from core.experiments.activations.dead_relu.experiment import (
    DIED,
    EPOCHS,
    NETWORKS,
    OFF,
    RATES,
    SOME,
    STATES,
    Result,
    tables,
)
from core.lab.say import percent

MEANINGS = ("bad", "context", "other")  # of STATES
WIDTH = 0.36  # half that of a bar, in rates
ASIDE = 0.34  # of its middle, to the right: the range
TOO_LARGE = "too large"  # not on a phone, where it is broader than a bar
SHARES = (0.0, 1.18)  # the axis of shares, with room for two lines above a full bar
LINE = 0.075  # of the shares: height of a line of text
LOW = 0.65  # shares at the first rates below which there is room above their bars
MARGIN = 1.15  # width of the plane over that of its points
ALONE = 3.0  # width over height of the plane where it is drawn alone
STROKE = 0.12  # length of the one that points to where a unit is on, of half the plane's height
PLACES = np.array([[0.2, 0.8], [0.8, 0.2], [0.5, 0.5]])  # of the stroke, between a line's ends
KEY = "one network: a line is a unit, on where its\nstroke points"
ABOVE, BELOW = 0.15, 0.13  # room for heads and for what a line is, of a plane's height


def rates(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the share of units off on all data at the end, a bar per learning rate."""
    data = frame(tables(result)["rates"], series="bad")
    at = data["rate"].map(RATES.index)
    data = data.assign(left=at - WIDTH, beside=at + ASIDE, right=at + WIDTH, base=0)
    told = result.chosen if result.config.slope else None  # the rate that the heading speaks of
    names = {float(i): f"{rate:g}" + ", chosen" * (i == told) for i, rate in enumerate(RATES)}
    x = (
        alt.X("left:Q")
        .scale(domain=[-0.5, len(RATES) - 0.5], nice=False)
        .axis(**worded(names), grid=False, domain=False, ticks=False)
        .title(["learning rate", f"(thin line: lowest to highest of {NETWORKS} networks)"])
    )
    kind = "units" if result.config.slope else "ReLUs"
    bars = (
        alt.Chart(data)
        .mark_rect()
        .encode(
            x,
            _share("off", f"{kind} off on all data at the end"),
            by_meaning(data["series"]),
            alt.X2("right"),
            alt.Y2("base"),
            tooltip=[
                alt.Tooltip("rate:Q", title="learning rate"),
                alt.Tooltip("off:Q", title=STATES[OFF], format=".1%"),
                alt.Tooltip("off low:Q", title="least of the networks", format=".1%"),
                alt.Tooltip("off high:Q", title="most of the networks", format=".1%"),
            ],
        )
    )
    spread = (
        alt.Chart(data)
        .mark_rule(color=colour("ink"))
        .encode(alt.X("beside:Q"), alt.Y("off low:Q"), alt.Y2("off high"))
    )
    chart = layers(bars, spread, _values(result, data), _before(result), _reason(result, data))
    return Picture(chart, "Share of the units that are off on all data, a bar a learning rate")


def _share(field: str, title: str) -> alt.Y:
    return alt.Y(f"{field}:Q").scale(domain=SHARES, nice=False).axis(**QUARTERS).title(title)


def _values(result: Result, data: pd.DataFrame) -> Any:
    """Write above each bar its share, what that says about its rate, and how many diverged."""
    found, slope = data.set_index("rate"), result.config.slope
    rows: list[dict[str, Any]] = []
    for at, rate in enumerate(RATES):
        notes, top = [], 0.0
        if rate in found.index:
            row = found.loc[rate]
            top = row["off"]
            notes.append((percent(top), "bad"))
            if _too_large(result, at):
                notes.append((TOO_LARGE, "soft"))
            if slope and at == result.chosen and row["units once off"]:
                back = percent(row["came back"] / row["units once off"])
                notes.append((f"{back} back", "good"))
        if diverged := result.diverged[at].sum():
            notes += [("diverged", "soft"), (f"{diverged}", "soft")]
        rows += [
            {"x": at, "y": top + LINE * (line + 0.55), "text": text, "series": meaning}
            | {"short": "" if text == TOO_LARGE else text}
            for line, (text, meaning) in enumerate(notes)
        ]
    return by_width(rows, align="center", fontWeight="bold")


def _too_large(result: Result, at: int) -> bool:
    """Tell whether a rate puts many more ReLUs off on all data than were off at the start."""
    off = result.off(at)[:, -1]
    if result.config.slope or not off.size:
        return False
    return bool(off.mean() - result.start.mean() > DIED)


def _before(result: Result) -> Any:
    """Draw the share that is off before training, unless that is none to speak of."""
    share = result.start.mean()
    if share < 0.02:
        return None
    when = "after\nthe step" if result.config.oversized else "at the\nstart"
    row = {"x": len(RATES) - 0.45, "y": share + LINE, "series": "soft"}
    name = texts([{**row, "text": f"{when}:\n{percent(share)}"}], align="left", fontStyle="italic")
    line = (
        alt.Chart(pd.DataFrame({"y": [share]}))
        .mark_rule(strokeDash=[5, 4], color=colour("soft"))
        .encode(alt.Y("y:Q"))
    )
    return layers(line, name)


def _reason(result: Result, data: pd.DataFrame) -> Any:
    """Say over the low bars why the high ones are high, where there is room for it."""
    if data["off high"][:3].max() > LOW:
        return None
    why = "A large step makes a ReLU's\ninput negative for all points:\nno gradient, it stays off."
    if result.config.slope:
        why = "A slope for negative inputs\npasses gradient on:\nunits can come back."
    return remark(why, -WIDTH, 0.95)


def lines(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the data and the lines of one network, as drawn and after the chosen epoch."""
    extent = _extent(shared)
    columns, box = plane.planes(extent, ("before", "after")), (extent, extent)
    epoch = result.config.epoch
    when = f"rate {result.config.learning_rate:g}, epoch {epoch}"
    if result.config.oversized and not epoch:
        when = "after the step"
    shift, colours = columns.shift("after"), "; red: off on all points"
    if (result.state[[0, epoch + 1]] > SOME).any():
        colours += ", orange: on for all"
    chart = layers(
        plane.frames(columns, above=ABOVE, below=BELOW),
        *_lines(result, 0, box),
        *_lines(result, epoch + 1, box, shift),
        _head(result, 0, extent, "as drawn"),
        _head(result, epoch + 1, extent, when, shift),
        remark(KEY + colours, -extent, -1.1 * extent),
    )
    return Picture(chart, "The points, and a line per unit: as drawn and after training")


def setting(result: Result) -> Picture:
    """Draw the data and the lines of one network as they were drawn."""
    extent = _extent([result])
    width = ALONE * extent
    columns = Columns(("before",), -width, width)
    y = alt.Y("y:Q").scale(domain=[-1.4 * extent, extent], nice=False, zero=False)
    outline = (
        alt.Chart(columns.frames(-extent, extent))
        .mark_rect(fill=None, stroke=colour("context"))
        .encode(
            columns.x(title="input 1", ticks={}),
            y.axis(values=[], domain=False).title("input 2"),
            alt.X2("x2"),
            alt.Y2("y2"),
        )
    )
    chart = layers(
        outline, *_lines(result, 0, (width, extent)), remark(KEY, -width, -1.14 * extent)
    )
    return Picture(chart, "The points, and a line per unit as it was drawn")


def _extent(shared: Sequence[Result]) -> float:
    return MARGIN * max(float(np.abs(result.x).max()) for result in shared)


def _lines(result: Result, moment: int, box: tuple[float, float], shift: float = 0) -> list[Any]:
    """Draw the points of one plane, and the lines of the units with their strokes by state.

    box: half of the plane's width and height.
    """
    normals, half = plane.square(1)[0], np.repeat(box, 2)
    parts = [plane.points(result.x, result.y, shift)]
    for index, meaning in enumerate(MEANINGS):
        units = result.state[moment] == index
        weights = result.weight[moment][:, units].T.astype(float)
        biases = result.bias[moment, 0, units].astype(float)
        ends = [plane.clipped(w, b, normals, half) for w, b in zip(weights, biases)]
        seen = [(e, w) for e, w in zip(ends, weights) if e is not None]
        dash = {"strokeDash": [6, 4]} if index == OFF else {}
        parts += [
            plane.drawn([e for e, _ in seen], meaning, shift, strokeWidth=2, **dash),
            plane.drawn([_stroke(e, w, box) for e, w in seen], meaning, shift, strokeWidth=2),
        ]
    return parts


def _stroke(ends: np.ndarray, weight: np.ndarray, box: tuple[float, float]) -> np.ndarray:
    """Return the stroke (2, 2) from a line (2, 2) to where its unit is on, inside the box."""
    side = STROKE * box[1] * weight / np.linalg.norm(weight)
    starts = PLACES @ ends
    stops = np.clip(starts + side, np.negative(box), box)
    best = np.abs(starts + side - stops).sum(axis=-1).argmin()
    return np.stack([starts[best], stops[best]])


def _head(result: Result, moment: int, extent: float, title: str, shift: float = 0) -> Any:
    """Write over a plane what it shows, and how many units are off."""
    off, units = int((result.state[moment] == OFF).sum()), result.config.units
    rows = [
        {"x": shift - extent, "y": 1.23 * extent, "text": title, "series": "ink"},
        {
            "x": shift - extent,
            "y": 1.09 * extent,
            "text": f"{off} of {units} off",
            "series": "bad",
        },
    ]
    return texts(rows, align="left", fontWeight="bold")


def epochs(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the share of units off on all data by epoch, a line per learning rate."""
    data = frame(tables(result)["epochs"])
    chosen = data["rate"] == result.config.learning_rate
    data = data.assign(series=np.where(chosen, "bad", "context"), line=data["rate"].astype(str))
    x = (
        alt.X("epoch:Q")
        .scale(domain=[0, EPOCHS], nice=False)
        .axis(values=list(range(0, EPOCHS + 1, 10)), grid=False)
        .title(f"epoch (band: range of {NETWORKS} networks)")
    )
    y = _share("off", "units off on all data")
    tooltip = [
        alt.Tooltip("rate:Q", title="learning rate"),
        alt.Tooltip("epoch:Q"),
        alt.Tooltip("off:Q", title=STATES[OFF], format=".1%"),
    ]
    bands = {"off low", "off high"}
    chart = layers(
        curves(data[~chosen].drop(columns=list(bands)), x=x, y=y, tooltip=tooltip),
        curves(data[chosen], x=x, y=y, tooltip=tooltip) if chosen.any() else None,
        _ends(data[data["epoch"] == EPOCHS]),
        rule(f"epoch {result.config.epoch}", x=result.config.epoch, at=1.12)
        if 0 < result.config.epoch < EPOCHS
        else None,
    )
    return Picture(chart, "Share of the units that are off on all data, a line a learning rate")


def _ends(data: pd.DataFrame) -> Any:
    """Name the lines at their ends, by learning rate and share."""
    places = apart(np.maximum(position(data["off"], SHARES), APART).tolist())
    rows = [
        {
            "x": EPOCHS,
            "y": y,
            "text": f"rate {row.rate:g}: {percent(row.off)}",
            "series": row.series,
        }
        for y, row in zip(at_position(places, SHARES), data.itertuples(index=False))
    ]
    return texts(rows, align="left", dx=8, fontWeight="bold")


VIEWS = {"rates": rates, "plane": lines, "epochs": epochs}
SETTING = setting
