"""Curves over epochs: the mean over seeds as a line, their range as a band.

They have no legend of their own: a table or another chart beside them names the colors.
"""

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from core.charts.panel import family


def curves(
    data: pd.DataFrame,
    field: str,
    names: Sequence[str],
    *,
    y: alt.Y,
    target: float | None = None,
) -> Any:
    """Draw columns `field`, `field` low and `field` high against epoch, a line per series and run.

    names: the family of the series; y: axis and scale of the value; target: drawn as a rule.
    """
    compared = data["run"].nunique() > 1
    color = family(names).legend(None)
    dash = alt.StrokeDash("run:N").legend(None)
    if not compared:
        dash = alt.StrokeDash("series:N").scale(domain=list(names)).legend(None)
    base = alt.Chart(data).encode(alt.X("epoch:Q").axis(tickMinStep=1), detail="run:N")
    low = y.copy()
    low.shorthand = f"{field} low:Q"
    band = base.mark_area(opacity=0.15).encode(low, color=color, y2=f"{field} high")
    line = base.mark_line().encode(
        y,
        color,
        dash,
        tooltip=["run", "series", "epoch", alt.Tooltip(f"{field}:Q", format=".3g")],
    )
    layers = [band, line]
    if target is not None:
        rule = alt.Chart(pd.DataFrame({"y": [target]})).encode(y="y:Q")
        layers.insert(0, rule.mark_rule(strokeDash=[4, 4], color="gray"))
    return alt.layer(*layers)
