"""Variance: predicted against measured per layer, and the map of weight scale and depth."""

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts.panel import HALF_HEIGHT, HEIGHT, Panel, family, stack
from core.experiments.initialization.variance import (
    CLOSE,
    LEAST,
    MAP_DEPTH,
    MAP_SCALES,
    MOST,
    Result,
    tables,
)

RUNS = ("measured", "theory")
FLOOR, CEILING = 1e-20, 1e20  # of the log axis


def chart(results: dict[str, Result]) -> list[list[Panel]]:
    """Draw the ratio and the variance per layer, and the map."""
    data = stack({label: tables(r)["layers"] for label, r in results.items()}, "run")
    compared = len(results) > 1
    return [
        [
            Panel(ratio(data, compared), "Measured over predicted variance per layer"),
            Panel(variance(data, compared), "Variance of z per layer"),
        ],
        *(
            [Panel(spread_map(r, label if compared else ""), "Std by weight scale and depth", 1.1)]
            for label, r in results.items()
        ),
    ]


def _layer() -> alt.X:
    return alt.X("layer:Q").axis(tickMinStep=1, format="d").scale(zero=False).title("layer")


def ratio(data: pd.DataFrame, compared: bool) -> Any:
    """Draw the mean ratio over the nets, its band, the shown net as points, and 5% off."""
    base = alt.Chart(data).encode(_layer(), color=_run(data, compared))
    y = alt.Y("mean ratio:Q").scale(zero=False).title(None)
    band = base.mark_area(opacity=0.2).encode(
        alt.Y("band from:Q").scale(zero=False).title(None), y2="band to"
    )
    line = base.mark_line().encode(y)
    points = base.mark_point(opacity=1).encode(
        alt.Y("ratio:Q").title(None),
        tooltip=[
            *("run", "layer"),
            alt.Tooltip("ratio:Q", title="this net", format=".3f"),
            alt.Tooltip("mean ratio:Q", format=".3f"),
        ],
    )
    rules = alt.Chart(pd.DataFrame({"y": [1 - CLOSE, 1.0, 1 + CLOSE]})).mark_rule(
        strokeDash=[4, 4], color="gray"
    )
    return alt.layer(rules.encode(y="y:Q"), band, line, points).properties(
        height=HALF_HEIGHT, title="Var(z), measured over predicted"
    )


def _run(data: pd.DataFrame, compared: bool) -> alt.Color:
    legend = alt.Legend(orient="bottom", symbolOpacity=1) if compared else None
    return family(list(data["run"].unique()), field="run").legend(legend)


def variance(data: pd.DataFrame, compared: bool) -> Any:
    """Draw the variance of z over the nets with its range, and theory as a dashed line."""
    names = ("theory", "mean", "low", "high")
    clipped = data.assign(**{name: data[name].clip(FLOOR, CEILING) for name in names})
    base = alt.Chart(clipped).encode(_layer(), color=_run(data, compared).legend(None))
    y = alt.Y("low:Q").scale(type="log").axis(format=".0e", tickCount=4).title(None)
    band = base.mark_area(opacity=0.2).encode(y, y2="high")
    line = base.mark_line().encode(
        alt.Y("mean:Q"),
        tooltip=["run", "layer", *(alt.Tooltip(f"{n}:Q", format=".3g") for n in names)],
    )
    dashed = base.mark_line(strokeDash=[5, 4]).encode(
        alt.Y("theory:Q"), color=alt.value("gray"), detail="run"
    )
    return alt.layer(band, line, dashed).properties(
        height=HALF_HEIGHT, title="Var(z) per layer (log); dashed: theory"
    )


def spread_map(result: Result, label: str) -> Any:
    """Draw log10 of the std for every weight scale and depth, and the scales that have names."""
    data = pd.DataFrame(tables(result)["map"])
    step = np.sqrt(MAP_SCALES[1] / MAP_SCALES[0])
    data = data.assign(
        left=data["weight_scale"] / step,
        right=data["weight_scale"] * step,
        top=data["layer"] - 1.0,
        shade=np.log10(np.clip(np.nan_to_num(data["std"], nan=MOST), LEAST, MOST)),
    )
    ends = [float(MAP_SCALES[0] / step), float(MAP_SCALES[-1] * step)]
    x = (
        alt.X("left:Q")
        .scale(type="log", domain=ends, nice=False)
        .axis(values=[0.003, 0.01, 0.03, 0.1, 0.3, 1], format="~g", grid=False)
        .title("std of the weights (log)")
    )
    y = alt.Y("top:Q").scale(domain=[0, MAP_DEPTH], nice=False, reverse=True)
    color = (
        alt.Color("shade:Q")
        .scale(scheme="redblue", domain=[-4, 4], reverse=True, clamp=True)
        .legend(None)
    )
    squares = (
        alt.Chart(data)
        .mark_rect()
        .encode(
            x,
            y.axis(tickMinStep=5, grid=False).title("layer"),
            color,
            x2="right",
            y2="layer",
            tooltip=[
                alt.Tooltip("weight_scale:Q", format=".3g"),
                "layer",
                alt.Tooltip("std:Q", format=".2e"),
            ],
        )
    )
    return alt.layer(squares, *_named_scales(result)).properties(
        height=HEIGHT, title=label or "Std of the outputs: blue vanishes, red explodes"
    )


def _named_scales(result: Result) -> list[Any]:
    """Draw the weight scales of Xavier, He and the gain, and the one that is used."""
    root = result.config.width**0.5
    rows = [
        {"left": 1 / root, "text": "1/√n", "top": 2.0},
        {"left": 2**0.5 / root, "text": "√(2/n)", "top": 4.0},
        {"left": result.gain / root, "text": f"gain {result.gain:.2f}", "top": 6.0},
        {"left": result.scale, "text": "used", "top": MAP_DEPTH - 2.0},
    ]
    base = alt.Chart(pd.DataFrame(rows)).encode(x="left:Q")
    rule = base.mark_rule(strokeDash=[4, 3], color="black")
    ink: Any = {"color": "black", "fontWeight": "bold"}
    left = base.transform_filter(alt.datum.text == rows[0]["text"])
    right = base.transform_filter(alt.datum.text != rows[0]["text"])
    texts = left.mark_text(align="right", dx=-4, **ink), right.mark_text(align="left", dx=4, **ink)
    return [rule, *(text.encode(y="top:Q", text="text:N") for text in texts)]
