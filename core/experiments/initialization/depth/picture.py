"""Depth: histograms of every layer with their std, and the std on the way up and back."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from core.charts.colours import by_meaning
from core.charts.columns import Columns
from core.charts.layers import by_layer, drawn_counts, log_domain, ridges
from core.charts.marks import at_position, clipped, remark
from core.charts.picture import Picture
from core.experiments.initialization.depth import printed
from core.experiments.initialization.depth.experiment import Result, band_of, fates, histograms
from core.lab.say import number
from core.lab.words import name_of
from core.nn.initializers import init_std

FATES = {
    "collapses": "collapses",
    "fades": "fades",
    "saturates": "saturates",
    "explodes": "explodes",
    "alive": "stays alive",
}
SIGMOID_FATES = {
    "collapses": "all at one half",
    "fades": "spread, yet fades",
    "saturates": "piles up at 0, 1",
}
SHORT = {"small": "0.01", "medium": "0.05", "large": "1.0"}
MOST_LONG = 3  # columns that have room for long names


def ridge_columns(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the histograms of every layer, what became of each scheme and why above."""
    config = result.config
    counts, edges = histograms(result)
    low, high = edges[[0, -1]].tolist()
    words, fate = FATES, fates(result)
    if config.activation == "sigmoid":
        words = {**FATES, **SIGMOID_FATES}
    short = SHORT if len(config.schemes) > MOST_LONG else {}
    heads = {s: f"{short.get(s) or name_of(s)}\n{words[fate[s]]}" for s in config.schemes}
    chart = ridges(
        drawn_counts(counts, result.zero if config.activation == "relu" else None),
        edges,
        Columns(config.schemes, low, high, gap=0.6),
        heads=heads,
        notes={scheme: _why(result, scheme) for scheme in config.schemes},
        stds=result.signal,
        title=_title(result, low, high),
        ticks={value: number(value) for value in (low, (low + high) / 2, high)},
    )
    return Picture(chart, "Histograms of the outputs of every layer, a column a weight scale")


def _why(result: Result, scheme: str) -> str:
    """Say what a layer of this scheme does to what comes in."""
    width = result.config.width
    growth = init_std(scheme, width, width) * width**0.5
    if result.config.activation == "relu":
        return f"each layer × {number(growth / 2**0.5)}\n(ReLU cuts half off)"
    if abs(growth - 1) < 0.01:
        if result.config.activation == "tanh":
            return "sums as large as the\ninputs, tanh shrinks them"
        return "sums as large\nas the inputs"
    return f"sums {number(growth)} times\nthe inputs"


def _title(result: Result, low: float, high: float) -> list[str]:
    """Say what the axis counts, what the numbers are, and what is not drawn."""
    activation = result.config.activation
    std = "their std within a unit" if activation == "sigmoid" else "their std"
    lines = [f"outputs of the units, {number(low)} to {number(high)}; number: {std}"]
    if activation == "relu":
        lines.append(f"zeros, and outputs above {number(high)}, are not drawn")
    elif low == 0 and activation == "tanh":
        lines.append("below 0, half of all, is not drawn")
    return lines


def _names(result: Result) -> dict[str, str]:
    return {scheme: name_of(scheme) for scheme in result.config.schemes}


def spread(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the std per layer, the lecture's printed numbers as rings, and bands of 40 networks."""
    domain = log_domain(*(r.signal for r in shared))
    within = " within a unit" if result.config.activation == "sigmoid" else ""
    chart = by_layer(
        dict(zip(result.config.schemes, result.signal)),
        _names(result),
        domain=domain,
        title=f"std of the outputs{within} (log)",
        depth=max(r.config.depth for r in shared),
        over=_lecture(result, domain),
    )
    return Picture(chart, "Std of the outputs by layer, a line a weight scale")


def _lecture(result: Result, domain: tuple[float, float]) -> list[Any]:
    """Draw printed numbers and bands where the network has the lecture's size."""
    bands, rings = [], []
    for scheme in result.config.schemes:
        within = band_of(result.config, scheme)
        if within is None:
            continue
        low, high = clipped(within[:, 1:], *domain)
        bands += [
            {"layer": i, "drawn": a, "high": b, "series": scheme}
            for i, (a, b) in enumerate(zip(low, high), 1)
        ]
        told = printed.STD.get((result.config.activation, scheme), ())
        rings += [
            {"layer": i, "drawn": value, "series": scheme}
            for i, value in enumerate(told, 1)
            if value > 0  # its printed zeros have no place on a log axis
        ]
    if not bands:
        return []
    band = alt.Chart(pd.DataFrame(bands)).mark_area(opacity=0.3)
    ring = alt.Chart(pd.DataFrame(rings)).mark_point(filled=False, size=220, strokeWidth=2)
    names = [
        scheme for scheme in result.config.schemes if any(r["series"] == scheme for r in bands)
    ]
    said = f"rings: printed in the lecture\nshaded: {len(printed.SEEDS)} other networks"
    return [
        band.encode(alt.X("layer:Q"), alt.Y("drawn:Q"), alt.Y2("high"), by_meaning(names)),
        ring.encode(alt.X("layer:Q"), alt.Y("drawn:Q"), by_meaning(names)) if rings else None,
        remark(said, 1.2, float(at_position(0.12, domain, log=True))),
    ]


def gradients(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the std of dz per layer on its way back; forward only, the mean local gradient."""
    back = result.has_gradients
    title = "std of the gradient dL/dz (log)" if back else "mean slope f'(z), forward only (log)"
    values = result.dz_std if back else result.local_gradient
    every = [r.dz_std if r.has_gradients else r.local_gradient for r in shared]
    chart = by_layer(
        dict(zip(result.config.schemes, values)),
        _names(result),
        domain=log_domain(*every),
        title=title,
        depth=max(r.config.depth for r in shared),
        back=back,
    )
    return Picture(chart, "Gradients by layer, a line a weight scale")


VIEWS = {"layers": ridge_columns, "std": spread, "gradients": gradients}
