"""Curves: a line per case, with the range over seeds as a band, named at their ends."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from core.charts.colours import by_meaning, colour
from core.charts.marks import APART, apart, at_position, position


def by_epoch(
    end: int, title: str, *, field: str = "accuracy", domain: tuple[float, float] = (0.0, 1.0)
) -> dict[str, Any]:
    """Return the axes of a share by epoch, up to epoch `end`, as `curves` takes them."""
    epochs = alt.X("epoch:Q").scale(domain=[0, end], nice=False).title("epochs")
    shares = alt.Y(f"{field}:Q").scale(domain=domain, nice=False).title(title)
    return {
        "x": epochs.axis(tickCount=5, tickMinStep=1, format="d", grid=False),
        "y": shares.axis(format=".0%", tickCount=5, domain=False, ticks=False),
    }


def curves(
    data: pd.DataFrame,
    *,
    x: alt.X,
    y: alt.Y,
    points: bool = False,
    dashed: Sequence[str] = (),
    tooltip: Sequence[alt.Tooltip] = (),
) -> Any:
    """Draw a line per series over the fields of x and y, which their shorthands name.

    data: a row per series and moment. `series` is the meaning that colours a line; columns
    `<y> low` and `<y> high`, if there, are drawn as a band; `line` tells lines of one series apart.
    dashed: the values of `line` that are dashed.
    """
    field = str(y.shorthand).split(":")[0]
    base = alt.Chart(data).encode(x, by_meaning(data["series"]))
    if "line" in data:
        base = base.encode(alt.Detail("line:N"))
    drawn = []
    if f"{field} low" in data:
        low = y.copy()
        low.shorthand = f"{field} low:Q"
        drawn.append(base.mark_area(opacity=0.15).encode(low, alt.Y2(f"{field} high")))
    line = base.mark_line(point=points).encode(y)
    if dashed:
        names = list(dict.fromkeys(data["line"]))
        dashes = [[6, 4] if name in dashed else [1, 0] for name in names]
        scale = alt.Scale(domain=names, range=dashes)
        line = line.encode(strokeDash=alt.StrokeDash("line:N").scale(scale).legend(None))
    if tooltip:
        line = line.encode(tooltip=list(tooltip))
    return alt.layer(*drawn, line)


def explained_ends(
    ends: Sequence[Mapping[str, Any]], *, domain: tuple[float, float], log: bool = False
) -> Any:
    """Name lines at their right ends and say why below the name, moved apart where they collide.

    ends: series (the meaning that colours the name), x, y, text and why. domain: of the y axis.
    """
    data = pd.DataFrame(list(ends))
    places = apart(position(data["y"].to_numpy(), domain, log).tolist(), 2.2 * APART)
    base = alt.Chart(data.assign(y=at_position(places, domain, log))).encode(
        alt.X("x:Q"), alt.Y("y:Q")
    )
    name = base.mark_text(align="left", dx=8, baseline="bottom", fontWeight="bold")
    why = base.mark_text(align="left", dx=8, baseline="top", color=colour("soft"))
    return alt.layer(
        name.encode(alt.Text("text:N"), by_meaning(data["series"])), why.encode(alt.Text("why:N"))
    )
