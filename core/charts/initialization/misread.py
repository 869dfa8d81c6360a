"""Misread: histograms of every layer for the wrong schemes and the right one, and the spread."""

from typing import Any

import pandas as pd

from core.charts.layers import ridges, spread
from core.charts.panel import HEIGHT, Panel, stack
from core.experiments.initialization.misread import SCHEMES, Result, edges_of, tables

NAMES = {
    "misread_rand": "rand/√n",
    "misread_times_sqrt": "randn·√n",
    "misread_divided_by_n": "randn/n",
    "glorot": "by both fans",
    "xavier": "Xavier: randn/√n",
}
FAMILY = [NAMES[scheme] for scheme in SCHEMES]


def chart(results: dict[str, Result]) -> list[list[Panel]]:
    """Draw the histograms of every run; the spread up and down beside them."""
    data = stack({label: tables(r)["layers"] for label, r in results.items()}, "run")
    data = data.assign(series=data["scheme"].map(NAMES))
    compared = len(results) > 1
    return [
        *(
            [Panel(histograms(r, label if compared else ""), "Activations per layer", 1.6)]
            for label, r in results.items()
        ),
        [
            Panel(spread(data, "std", "std of activations (log)", FAMILY), "Spread per layer"),
            Panel(
                spread(data, "dz_std", "std of gradients dz (log)", FAMILY),
                "Spread of gradients per layer",
            ),
        ],
    ]


def histograms(result: Result, title: str) -> Any:
    """Draw one column of histograms per scheme."""
    low, high = edges_of(result.config.activation)[[0, -1]]
    data = pd.DataFrame(tables(result)["histograms"])
    data = data.assign(series=data["scheme"].map(NAMES))
    outside = result.counts[..., -1].sum(-1) / result.counts.sum((-1, -2))
    titles = {
        scheme: NAMES[scheme] + (f" ({share:.0%} outside)" if share >= 0.005 else "")
        for scheme, share in zip(SCHEMES, outside)
        if scheme in result.config.schemes
    }
    return ridges(data, titles, FAMILY, (low, high)).properties(height=HEIGHT, title=title)
