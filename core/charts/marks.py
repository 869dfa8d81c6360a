"""Marks that speak: names at line ends, named rules and bands, remarks, axes in words."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import altair as alt
import numpy as np
import pandas as pd

from core.charts.colours import by_meaning, colour

Array = np.ndarray
Align = Literal["left", "center", "right"]

APART = 0.062  # of the picture's height: the least distance of two lines of text
PHONE = 460  # px of a picture's width below which there is little room for words
QUARTERS: dict[str, Any] = {  # of an axis of shares
    "values": [0, 0.25, 0.5, 0.75, 1],
    "format": ".0%",
    "domain": False,
    "ticks": False,
}
TOGETHER = 0.012  # of the picture's height: lines that end closer than this are named together


def clipped(values: Any, low: float, high: float) -> Array:
    """Return values as a clipped axis draws them; what is not finite has left it at the top."""
    return np.clip(np.nan_to_num(values, nan=high, posinf=high, neginf=low), low, high)


def apart(places: Sequence[float], least: float = APART) -> Array:
    """Return places (0 at the bottom, 1 at the top) moved so that none are closer than `least`.

    They keep their order and move as little as is needed; a whole block moves about its middle.
    """
    order = np.argsort(places, kind="stable")
    blocks: list[tuple[float, int]] = []  # middle, members
    for place in np.asarray(places, float)[order]:
        blocks.append((place, 1))
        while len(blocks) > 1:
            (below, few), (above, more) = blocks[-2:]
            if above - below >= least * (few + more) / 2:
                break
            blocks[-2:] = [((below * few + above * more) / (few + more), few + more)]
    moved = np.concatenate(
        [middle + least * (np.arange(members) - (members - 1) / 2) for middle, members in blocks]
    )
    result = np.empty(len(moved))
    result[order] = moved
    return result


def position(values: Any, domain: tuple[float, float], log: bool = False) -> Array:
    """Return where values lie on an axis: 0 at its low end, 1 at its high end."""
    (low, high), values = (np.log(domain), np.log(values)) if log else (domain, np.asarray(values))
    return (values - low) / (high - low)


def at_position(places: Any, domain: tuple[float, float], log: bool = False) -> Array:
    """Return the values at places between 0 and 1 of an axis."""
    low, high = np.log(domain) if log else domain
    values = low + np.asarray(places, float) * (high - low)
    return np.exp(values) if log else values


def line_ends(
    ends: Mapping[str, tuple[float, float, str]],
    *,
    domain: tuple[float, float],
    log: bool = False,
    offset: int = 8,
) -> Any:
    """Name lines at their right ends, in their colours, moved apart where they would collide.

    ends: meaning (of the colour table) -> x, y and text of the end. Lines that end in one place are
    named together. domain: of the y axis.
    """
    rows, taken = [], set()
    places = dict(zip(ends, position([y for _, y, _ in ends.values()], domain, log)))
    for name, (x, _, _) in ends.items():
        if name in taken:
            continue
        same = [
            other
            for other in ends
            if other not in taken
            and ends[other][0] == x
            and abs(places[other] - places[name]) < TOGETHER
        ]
        taken |= set(same)
        texts = list(dict.fromkeys(ends[other][2] for other in same))
        place = float(np.mean([places[other] for other in same]))
        rows.append({"x": x, "place": place, "text": ", ".join(texts), "series": name})
    data = pd.DataFrame(rows)
    data["y"] = at_position(apart(data["place"].tolist()), domain, log)
    return (
        alt.Chart(data)
        .mark_text(align="left", dx=offset, fontWeight="bold", baseline="middle")
        .encode(alt.X("x:Q"), alt.Y("y:Q"), alt.Text("text:N"), by_meaning(data["series"]))
    )


def read_ends(ends: Mapping[str, tuple[float, float, str]], *, domain: tuple[float, float]) -> Any:
    """Name lines at their right ends as line_ends() does, but each on its own where they meet."""
    places = apart(position([y for _, y, _ in ends.values()], domain).tolist())
    rows = [
        {"x": x, "y": y, "text": text, "series": name}
        for (name, (x, _, text)), y in zip(ends.items(), at_position(places, domain).tolist())
    ]
    return texts(rows, align="left", dx=8, fontWeight="bold")


def rule(
    text: str,
    *,
    x: float | None = None,
    y: float | None = None,
    at: float = 0,
    align: Align = "left",
) -> Any:
    """Draw a dashed rule across the picture with its name on it.

    Give x for an upright one or y for a level one; `at` is where its name stands along it, in the
    units of the other axis. align: "left" if the name goes to the right from there, or "right".
    """
    upright = y is None
    data = pd.DataFrame([{"x": x if upright else at, "y": at if upright else y, "text": text}])
    base = alt.Chart(data)
    line = base.mark_rule(strokeDash=[5, 4], color=colour("soft"))
    name = base.mark_text(
        align=align,
        dx=(5 if align == "left" else -5) if upright else 0,
        dy=0 if upright else -9,
        color=colour("soft"),
        style="remark",
    )
    across = line.encode(alt.X("x:Q")) if upright else line.encode(alt.Y("y:Q"))
    return alt.layer(across, name.encode(alt.X("x:Q"), alt.Y("y:Q"), alt.Text("text:N")))


def remark(text: str, x: float, y: float, *, align: Align = "left", meaning: str = "soft") -> Any:
    """Write a few words into the picture: the reason, beside what it explains."""
    data = pd.DataFrame([{"x": x, "y": y, "text": text}])
    return (
        alt.Chart(data)
        .mark_text(
            align=align,
            baseline="middle",
            style="remark",
            color=colour(meaning),
            lineBreak="\n",
        )
        .encode(alt.X("x:Q"), alt.Y("y:Q"), alt.Text("text:N"))
    )


def texts(rows: Sequence[Mapping[str, Any]], *, align: Align = "center", **mark: Any) -> Any:
    """Write texts at places: rows of x, y, text and series, the meaning whose colour it has."""
    data = pd.DataFrame(list(rows))
    return (
        alt.Chart(data)
        .mark_text(align=align, baseline="middle", lineBreak="\n", **mark)
        .encode(alt.X("x:Q"), alt.Y("y:Q"), alt.Text("text:N"), by_meaning(data["series"]))
    )


def on_phone(short: str, wide: str, below: int = PHONE) -> alt.ExprRef:
    """Return one of two expressions: `short` on a picture narrower than `below`, or `wide`."""
    return alt.ExprRef(expr=f"width < {below} ? {short} : {wide}")


def by_width(rows: Sequence[Mapping[str, Any]], *, align: Align = "left", **mark: Any) -> Any:
    """Write texts as texts() does; where there is little room, the `short` ones of the rows."""
    return (
        alt.Chart(pd.DataFrame(list(rows)))
        .mark_text(
            align=align,
            baseline="middle",
            lineBreak="\n",
            text=on_phone("datum.short", "datum.text"),
            **mark,
        )
        .encode(alt.X("x:Q"), alt.Y("y:Q"), by_meaning([row["series"] for row in rows]))
    )


def worded(axis_values: Mapping[float, str]) -> dict[str, Any]:
    """Return the values of an axis and their labels as words: {0.01: "1 in 100"}."""
    label = "''"
    for value, text in axis_values.items():
        label = (
            f"abs(datum.value - {value!r}) <= {abs(value) * 1e-9!r} ? {json.dumps(text)} : {label}"
        )
    return {"values": list(axis_values), "labelExpr": label}


def shares_in_words(low: float) -> dict[float, str]:
    """Return values of a log axis of shares down to `low`, in words: all of it, 1 in 100, ..."""
    words = {1: "all of it", 0.01: "1 in 100", 1e-4: "1 in 10,000", 1e-6: "1 in a million"}
    words |= {1e-9: "1 in a billion", 1e-12: "1 in 10¹²", 1e-15: "1 in 10¹⁵", 1e-18: "1 in 10¹⁸"}
    return {value: text for value, text in words.items() if value >= low}
