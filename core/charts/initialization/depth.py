"""Depth: histograms of every layer side by side, and the spread on the way up and down."""

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts.layers import COLUMN, ridges, spread
from core.charts.panel import HEIGHT, Panel, family, stack
from core.experiments.initialization.depth import (
    PRINTED_STD,
    SCHEMES,
    WIDE,
    Result,
    band_of,
    edges_of,
    tables,
)

NAMES = {
    "small": "0.01·randn",
    "medium": "0.05·randn",
    "large": "1.0·randn",
    "xavier": "Xavier",
    "he": "He",
}
FAMILY = [NAMES[scheme] for scheme in SCHEMES]
GRADIENT = "dz_std", "std of gradients dz (log)"
LOCAL = "local_gradient", "mean local gradient (log)"


def chart(results: dict[str, Result]) -> list[list[Panel]]:
    """Draw the histograms per layer, std per layer, and gradient std per layer."""
    data = stack({label: tables(result)["layers"] for label, result in results.items()}, "run")
    data["series"] = data["scheme"].map(NAMES)
    compared, current = len(results) > 1, list(results.values())[-1]
    up = spread(data, "std", "std of activations (log)", FAMILY)
    below = [Panel(spread(data, *GRADIENT, FAMILY), "Spread of gradients per layer")]
    if current.config.width == WIDE:  # forward only
        below = [Panel(spread(data, *LOCAL, FAMILY), "Mean local gradient per layer")]
    return [
        *(
            [
                Panel(
                    layers(r, label if compared else ""), "Histograms of activations per layer", 1.6
                )
            ]
            for label, r in results.items()
        ),
        [Panel(alt.layer(up, _slide_marks(current)), "Spread per layer"), *below],
    ]


def layers(result: Result, title: str) -> Any:
    """Draw the histograms of every layer, ReLU's zeros named and not drawn."""
    low, high = edges_of(result.config)[[0, -1]]
    data = pd.DataFrame(tables(result)["histograms"])
    if result.config.activation == "relu":
        data["count"] -= np.where(data["left"] == low, _zeros(result)[_cell(data, result)], 0)
    titles = {s: NAMES[s] + note for s, note in zip(result.config.schemes, _beyond(result))}
    drawn = ridges(data.assign(series=data["scheme"].map(NAMES)), titles, FAMILY, (low, high))
    return alt.layer(drawn, *_zero_shares(result, (high - low) * COLUMN)).properties(
        height=HEIGHT, title=title
    )


def _zeros(result: Result) -> np.ndarray:
    """Return (schemes * layers,) how many outputs are exactly 0."""
    return np.rint(result.zero * result.counts.sum(-1)).astype(int).ravel()


def _cell(data: pd.DataFrame, result: Result) -> pd.Series:
    """Return the row of each entry among the schemes and layers."""
    scheme = data["scheme"].map({s: i for i, s in enumerate(result.config.schemes)}).astype(int)
    return scheme * result.layers + data["layer"] - 1


def _beyond(result: Result) -> list[str]:
    """Say per scheme what share lies outside the histograms' range, where it is not negligible."""
    shares = result.counts[..., -1].sum(-1) / result.counts.sum((-1, -2))
    return [f" ({share:.0%} outside)" if share >= 0.005 else "" for share in shares]


def _zero_shares(result: Result, gap: float) -> list[Any]:
    """Name ReLU's zeros, which the histograms leave out."""
    if result.config.activation != "relu":
        return []
    high = edges_of(result.config)[-1]
    rows = [
        {"x": i * gap + high, "base": layer - 0.35, "text": f"{share:.0%} are 0"}
        for i, shares in enumerate(result.zero)
        for layer, share in enumerate(shares, 1)
    ]
    text = alt.Chart(pd.DataFrame(rows)).mark_text(align="right", baseline="bottom")
    return [text.encode(x="x:Q", y="base:Q", text="text:N")]


def _slide_marks(result: Result) -> Any:
    """Draw the slide's printed numbers as rings; its printed zeros have no place on a log axis."""
    rows = [
        {"layer": layer, "slide": value, "series": NAMES[scheme]}
        for scheme in result.config.schemes
        if band_of(result.config, scheme) is not None
        for layer, value in enumerate(PRINTED_STD.get((result.config.activation, scheme), ()), 1)
        if value > 0
    ]
    data = pd.DataFrame(rows, columns=["layer", "slide", "series"])
    return (
        alt.Chart(data)
        .mark_point(shape="circle", size=170, filled=False, strokeWidth=1.5, opacity=1)
        .encode(
            alt.X("layer:Q"),
            alt.Y("slide:Q"),
            family(FAMILY).legend(None),
            tooltip=[alt.Tooltip("slide:Q", format=".6f"), "layer:Q", "series:N"],
        )
    )
