"""Variance: the map of weight scale and depth, and what is predicted against what is measured."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts.colours import by_meaning, colour
from core.charts.curves import curves
from core.charts.layers import by_layer, log_domain, shown_layers, soft_band
from core.charts.marks import line_ends, on_phone, rule, texts, worded
from core.charts.picture import Picture, frame, layers
from core.experiments.initialization.variance.experiment import (
    ALIVE,
    CLOSE,
    MAP_DEPTH,
    MAP_SCALES,
    SATURATED,
    SEEDS,
    Result,
    column_of,
    strip,
    survives,
    tables,
)
from core.lab.say import number, percent

HALF = (MAP_SCALES[1] / MAP_SCALES[0]) ** 0.5  # from the middle of a column to its border
ENDS = MAP_SCALES[0] / HALF, MAP_SCALES[-1] * HALF
HEADROOM, FOOT = 2.8, 2.4  # layers' height above and below the map, for what is written there
SHADES = (0.2, 0.35, 0.5)  # opacity of what is past ALIVE once, twice and three times


def the_map(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw where signals vanish, stay and explode, the named scales and this network."""
    y = (
        alt.Y("y:Q")
        .scale(domain=[MAP_DEPTH + FOOT, -HEADROOM], nice=False)
        .axis(
            **worded({n - 0.5: str(n) for n in (1, 5, 10, 15, 20, 25, 30)}),
            grid=False,
            domain=False,
            ticks=False,
        )
        .title("layer")
    )
    x = (
        alt.X("x:Q")
        .scale(type="log", domain=ENDS, nice=False)
        .axis(
            **worded({v: number(v) for v in (0.01, 0.03, 0.1, 0.3, 1)}),
            grid=False,
            domain=False,
            ticks=False,
        )
        .title(["std of the weights (log)", "each darker shade: 1,000 times smaller or larger"])
    )
    data = _zones(result)
    zones = (
        alt.Chart(data)
        .mark_rect(clip=True)
        .encode(
            x,
            y,
            by_meaning(("small", "random", "large")),
            alt.X2("x2"),
            alt.Y2("y2"),
            opacity=alt.Opacity("shade:Q", scale=None, legend=None),
            tooltip=[alt.Tooltip("said:N", title="signal"), alt.Tooltip("y2:Q", title="layer")],
        )
    )
    chart = layers(
        zones, *_named_scales(result), _zone_names(result), _ends(result), *_here(result)
    )
    return Picture(chart, "Where signals vanish, stay or explode, by weight scale and layer")


def _levels(result: Result) -> np.ndarray:
    """Return (MAP_SCALES, MAP_DEPTH): 0 where the signal survives, -1 to -3 below, 1 to 3 above."""
    with np.errstate(all="ignore"):
        decades = np.nan_to_num(np.log10(result.signal), nan=99, posinf=99, neginf=-99)
    step = np.log10(ALIVE[1])
    past = np.sign(decades) * np.clip(np.floor(np.abs(decades) / step), 1, len(SHADES))
    level = np.where(survives(result.signal, result.saturated), 0, past)
    return np.where(result.saturated >= SATURATED, 1, level).astype(int)


def _zones(result: Result) -> pd.DataFrame:
    """Return a rectangle for all neighbouring weight scales of a layer that fare alike."""
    large = "saturated" if result.saturated.max() > 0 else "exploded"
    said = {-1: "vanished", 0: "alive", 1: large}
    series = {-1: "small", 0: "random", 1: "large"}
    rows = []
    for layer, levels in enumerate(_levels(result).T):
        edges = np.flatnonzero(np.diff(levels, prepend=9, append=9))
        for start, stop in zip(edges[:-1], edges[1:]):
            level = levels[start]
            rows.append(
                {
                    "x": MAP_SCALES[start] / HALF,
                    "x2": MAP_SCALES[stop - 1] * HALF,
                    "y": layer,
                    "y2": layer + 1,
                    "series": series[np.sign(level)],
                    "said": said[np.sign(level)],
                    "shade": SHADES[abs(level) - 1] if level else SHADES[1],
                }
            )
    return pd.DataFrame(rows)


def _named_scales(result: Result) -> list[Any]:
    """Draw the scales of Xavier and He from top to bottom, their names above the map."""
    root = result.config.width**0.5
    named: dict[str, tuple[str, float, Any, int]] = {
        "Xavier": ("1/√n", 1 / root, "right", -6),
        "He": ("√(2/n)", 2**0.5 / root, "left", 6),
    }
    drawn = []
    for name, (formula, x, align, dx) in named.items():
        said = {"text": f"{name} {formula} = {number(x)}", "short": f"{name} {number(x)}"}
        data = pd.DataFrame([{"x": x, "y": 0, "y2": MAP_DEPTH, **said}])
        base = alt.Chart(data).encode(alt.X("x:Q"))
        drawn += [
            base.mark_rule(strokeDash=[5, 4], color=colour("ink")).encode(
                alt.Y("y:Q"), alt.Y2("y2")
            ),
            base.mark_text(
                align=align,
                dx=dx,
                baseline="bottom",
                dy=-4,
                text=on_phone("datum.short", "datum.text"),
            ).encode(alt.Y("y:Q")),
        ]
    return drawn


def _zone_names(result: Result) -> Any:
    """Write into each zone what becomes of a signal there, and why."""
    large = "saturates" if result.saturated.max() > 0 else "explodes"
    why = "units at their\nflat ends" if large == "saturates" else "every layer\nenlarges it"
    ends = strip(result) or (ENDS[1], ENDS[1])
    zones = [
        (ENDS[0], ends[0], "signal\nvanishes", "every layer\nshrinks it"),
        (ends[1], ENDS[1], f"signal\n{large}", why),
    ]
    wide = [(start * stop, *said) for start, stop, *said in zones if stop / start > 4]
    heads, whys = (
        [
            {"x": square**0.5, "y": place * MAP_DEPTH, "text": said[i], "series": "ink"}
            for square, *said in wide
        ]
        for i, place in enumerate((0.6, 0.77))
    )
    return layers(texts(heads, style="head"), texts(whys, fontStyle="italic")) if wide else None


def _ends(result: Result) -> Any:
    """Write below the map which weights survive all of it."""
    ends = strip(result)
    if ends is None:
        return None
    low, high = ends
    row = {"x": (low * high) ** 0.5, "y": MAP_DEPTH + FOOT / 2, "series": "random"}
    return texts([{**row, "text": f"{number(low)} to {number(high)} survive"}], fontWeight="bold")


def _here(result: Result) -> list[Any]:
    """Mark this network: how far down its signal goes, and what is left of it there."""
    x, depth = result.scale, result.config.depth
    left = result.signal[column_of(x), depth - 1]
    data = pd.DataFrame([{"x": x, "y": 0.0, "y2": depth - 0.5}])
    base = alt.Chart(data).encode(alt.X("x:Q"))
    right = x < 0.3
    said = f"signal in layer {depth}:\nstd {number(left)}"
    label = texts(
        [{"x": x, "y": depth - 0.5, "text": said, "series": "ink"}],
        align="left" if right else "right",
        dx=9 if right else -9,
        fontWeight="bold",
    )
    return [
        base.mark_rule(color=colour("ink"), strokeWidth=3).encode(alt.Y("y:Q"), alt.Y2("y2")),
        base.mark_point(color=colour("ink"), size=140).encode(alt.Y("y2:Q")),
        label,
    ]


def ratio(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw measured over predicted variance per layer: the mean of all networks, and one."""
    far = max(0.12, *(1.15 * np.abs(r.measured[0] / r.predicted[0] - 1).max() for r in shared))
    depth, domain = max(r.config.depth for r in shared), (1 - far, 1 + far)
    table = frame(tables(result)["layers"])
    mean, one = (
        table[["layer", column]].set_axis(["layer", "value"], axis=1)
        for column in ("mean ratio", "ratio")
    )
    x = (
        alt.X("layer:Q")
        .scale(domain=[1, max(depth, 2)], nice=False)
        .axis(values=shown_layers(depth).tolist(), format="d", grid=False)
        .title("layer")
    )
    y = (
        alt.Y("value:Q")
        .scale(domain=domain, nice=False, zero=False)
        .axis(format=".2~f", tickCount=7, domain=False, ticks=False)
        .title("measured variance over predicted")
    )
    worst = np.abs(mean["value"] - 1).max()
    ends = {
        "random": (mean["value"], f"mean of {SEEDS}: within {percent(worst)}"),
        "context": (one["value"], f"one network: {number(one['value'].iloc[-1])}"),
    }
    chart = layers(
        *(rule(f"{CLOSE:.0%} off", y=1 + s * CLOSE, at=1) for s in (1, -1)),
        curves(
            pd.concat([one.assign(series="context"), mean.assign(series="random")]),
            x=x,
            y=y,
            points=True,
            tooltip=[alt.Tooltip("layer:Q"), alt.Tooltip("value:Q", format=".3f")],
        ),
        line_ends(
            {s: (len(values), values.iloc[-1], text) for s, (values, text) in ends.items()},
            domain=domain,
        ),
    )
    return Picture(chart, "Measured over predicted variance of z by layer")


def variance(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the variance of z per layer: predicted before any network is drawn, and measured."""
    every = [a for r in shared for a in (r.measured, r.theory)]
    table = frame(tables(result)["layers"])
    domain = log_domain(*every)
    ends = table[["low", "high"]].clip(*domain)
    chart = by_layer(
        {"random": table["mean"].to_numpy(), "other": result.theory},
        {"random": f"mean of {SEEDS}:", "other": "predicted"},
        domain=domain,
        title="variance of z (log)",
        depth=max(r.config.depth for r in shared),
        over=[soft_band(ends.assign(layer=table["layer"]), f"range of {SEEDS} networks")],
    )
    return Picture(chart, "Variance of z by layer, predicted and measured")


VIEWS = {"map": the_map, "ratio": ratio, "variance": variance}
