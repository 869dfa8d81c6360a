"""Distribution: histograms of every layer without and with batch norm, and the std by scale."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from core.charts.columns import Columns
from core.charts.curves import curves
from core.charts.layers import decades, drawn_counts, log_domain, ridges
from core.charts.marks import at_position, clipped, line_ends, remark, rule, worded
from core.charts.picture import Picture, frame, layers
from core.experiments.batchnorm.distribution.experiment import (
    CASES,
    SCALES,
    WIDTH,
    Result,
    edges_of,
    fates,
    tables,
    takes_over,
)
from core.lab.say import number

FLOOR = 1e-6  # of the log axis
HEADS = {"without": "Without batch norm", "with": "With batch norm"}
FATES = {
    "collapses": "the outputs die",
    "fades": "the outputs fade",
    "saturates": "they pile up at the ends",
    "explodes": "the outputs explode",
    "spread": "the outputs stay spread",
}


def ridge_columns(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the histograms of every layer, what became of them and why above."""
    return Picture(_columns(result, CASES), "Outputs of every layer, without and with batch norm")


def setting(result: Result) -> Picture:
    """Draw the network without batch norm alone."""
    return Picture(_columns(result, CASES[:1]), "Outputs of every layer without batch norm")


def _columns(result: Result, cases: Sequence[str]) -> Any:
    config, chosen, fate = result.config, result.chosen, fates(result)
    edges = edges_of(config)
    low, high = edges[[0, -1]].tolist()
    rows = [CASES.index(case) for case in cases]
    relu = config.activation == "relu"
    why = _why(result)
    title = [f"outputs of the units, {number(low)} to {number(high)}; number: their std"]
    if relu:
        title.append(f"zeros, and outputs above {number(high)}, are not drawn")
    return ridges(
        drawn_counts(result.counts[rows, chosen], result.zero[rows, chosen] if relu else None),
        edges,
        Columns(cases, low, high, gap=0.6),
        heads={case: f"{HEADS[case]}:\n{FATES[fate[case]]}" for case in cases},
        notes={case: why[case] for case in cases},
        stds=result.unit_std[rows, chosen],
        title=title,
        ticks={value: number(value) for value in (low, (low + high) / 2, high)},
    )


def _why(result: Result) -> dict[str, str]:
    """Say what a layer does to the sums of its units."""
    config = result.config
    growth = number(config.weight_scale * WIDTH**0.5)
    normalized = "every sum minus its mean,\ndivided by its std, before the function"
    if config.placement == "after":
        normalized = "divided by their std only after this,\nso the weights still set these outputs"
    elif config.weight_scale < takes_over(config):
        normalized = "the sums are so small\nthat eps decides what they are divided by"
    return {
        "without": f"in every layer the sums are\n{growth} times their inputs",
        "with": normalized,
    }


def by_scale(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the std of the last layer against the weight scale, and where eps takes over."""
    config = result.config
    domain = FLOOR, log_domain(*(r.unit_std[:, :, -1] for r in shared))[1]
    data = frame(tables(result)["layers"])
    data = data[data["layer"] == config.depth].assign(series=lambda rows: rows["case"])
    data["drawn"] = clipped(data["unit_std"], *domain)
    ticks = {scale: number(scale) for scale in SCALES[::2]}
    x = (
        alt.X("weight_scale:Q")
        .scale(type="log", domain=[SCALES[0], SCALES[-1]], nice=False)
        .axis(**worded(ticks), grid=False)
        .title("weight scale (log)")
    )
    y = (
        alt.Y("drawn:Q")
        .scale(type="log", domain=domain, nice=False)
        .axis(**worded(decades(domain)), domain=False, ticks=False)
        .title(f"std of the outputs of layer {config.depth} (log)")
    )
    ends = {
        case: (SCALES[-1], float(clipped(std, *domain)), f"{case} {number(std)}")
        for case, std in zip(CASES, result.unit_std[:, -1, -1])
    }
    tooltip = [
        alt.Tooltip("case:N"),
        alt.Tooltip("weight_scale:Q"),
        alt.Tooltip("unit_std:Q", format=".3g"),
    ]
    chart = layers(
        curves(data, x=x, y=y, points=True, tooltip=tooltip),
        line_ends(ends, domain=domain, log=True),
        rule(
            f"chosen: {number(config.weight_scale)}",
            x=config.weight_scale,
            at=float(at_position(0.97, domain, log=True)),
            align="left" if config.weight_scale < 0.1 else "right",
        ),
        _eps(result, domain),
        remark(f"below {number(FLOOR)}: drawn at the edge", SCALES[0] * 1.2, FLOOR * 1.9),
    )
    return Picture(chart, "Std of the last layer by weight scale, without and with batch norm")


def _eps(result: Result, domain: tuple[float, float]) -> Any:
    """Mark the scale at which the variance of a sum is eps, if it lies on the axis."""
    scale = takes_over(result.config)
    if scale < SCALES[0] or result.config.placement == "after":
        return None
    line = alt.Chart(pd.DataFrame([{"x": scale}])).mark_rule(strokeDash=[5, 4]).encode(alt.X("x:Q"))
    text = "left of here\neps exceeds\nthe variance\nof the sums"
    y = float(at_position(0.5, domain, log=True))
    if scale < 10 * SCALES[0]:
        return alt.layer(line, remark(text, scale * 1.1, y))
    return alt.layer(line, remark(text, scale / 1.1, y, align="right"))


VIEWS = {"layers": ridge_columns, "scales": by_scale}
SETTING = setting
