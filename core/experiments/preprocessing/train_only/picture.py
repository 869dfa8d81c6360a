"""Train only: accuracy by how many images are normalized together, and images so prepared."""

from collections.abc import Sequence
from typing import Any

import altair as alt

from core.charts.curves import curves, explained_ends
from core.charts.images import images, photo, signed
from core.charts.marks import by_width, remark, texts, worded
from core.charts.picture import Picture, frame, layers
from core.experiments.preprocessing.train_only.experiment import (
    MIXED,
    ONE_CLASS,
    SEEN,
    Result,
    tables,
)
from core.lab.say import percent

DOMAIN = (0.0, 1.0)
MEANING = {"mixed": "other", "one class": "bad"}
HEADS = (
    ("as it is", "soft"),
    ("training\nstatistics", "good"),
    ("by itself", "other"),
    ("with all\nnew digits", "other"),
    ("with its\nclass only", "bad"),
)
_SHADED = {"x": MIXED[-1], "y": 0.55, "series": "soft", "short": ""} | {
    "text": "shaded: worst to best of 20 splits"
}
LARGEST = 2.0  # std: drawn in full colour
TOOLTIP = [
    alt.Tooltip("digits:N", title="normalized together"),
    alt.Tooltip("together:Q", title="images"),
    alt.Tooltip("accuracy:Q", format=".1%"),
    alt.Tooltip("accuracy low:Q", title="worst split", format=".1%"),
    alt.Tooltip("accuracy high:Q", title="best split", format=".1%"),
]


def sets(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw accuracy against the size of the set that is normalized by its own statistics."""
    data = frame(tables(result)["sets"])
    data = data.assign(series=data["digits"].map(MEANING))
    ticks = {float(size): f"{size}" for size in MIXED[:-1]} | {float(MIXED[-1]): "all 359"}
    x = (
        alt.X("together:Q")
        .scale(type="log", domain=[MIXED[0], MIXED[-1]], nice=False)
        .axis(**worded(ticks), grid=False)
        .title("new images that are normalized together (log)")
    )
    y = (
        alt.Y("accuracy:Q")
        .scale(domain=DOMAIN, nice=False)
        .axis(format=".0%", tickCount=5, domain=False, ticks=False)
        .title("new digits read correctly")
    )
    trained = frame(
        {"together": [MIXED[0], MIXED[-1]]}, accuracy=result.train.mean(), series="good"
    )
    chart = layers(
        curves(data, x=x, y=y, points=True, tooltip=TOOLTIP),
        curves(trained, x=x, y=y),
        _chosen(result),
        by_width([_SHADED], align="right", style="remark"),
        explained_ends(_ends(result), domain=DOMAIN),
    )
    return Picture(
        chart, "Accuracy by the size of sets that are normalized by their own statistics"
    )


def _chosen(result: Result) -> Any:
    """Name the chosen number of images, to the right of its point and below."""
    together, own = result.config.together, float(result.chosen.mean())
    text = f"{together} at a time: {percent(own)}"
    if together == 1:
        return remark(f"{text},\nitself minus itself\nis nothing", 1.6, 0.38, meaning="other")
    right = together == MIXED[-1]
    return remark(text, together, own - 0.1, align="right" if right else "left", meaning="other")


def _ends(result: Result) -> list[dict[str, Any]]:
    """Return the names of the three lines, and what becomes of the digits there."""
    train, mixed = result.train.mean(), result.own[:, -1].mean()
    same = "close to the training's" if result.config.alike else "they remove the change"
    everything = f"those of all data: {percent(result.everything.mean())}"
    lines = [
        ("good", train, f"training statistics: {percent(train)}", everything),
        ("other", mixed, f"mixed digits' own: {percent(mixed)}", same),
    ]
    last = result.one_class[:, -1].mean()
    text = f"one class's own: {percent(last)}", "what all share is gone"
    ends = [(MIXED[-1], *line) for line in lines] + [(ONE_CLASS[-1], "bad", last, *text)]
    return [dict(zip(("x", "series", "y", "text", "why"), end)) for end in ends]


def seen(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw what the network reads of three images, normalized in five ways."""
    places = [
        {
            "x": way + 0.03,
            "x2": way + 0.97,
            "y": row + 0.03,
            "y2": row + 0.97,
            "url": signed(image, LARGEST) if way else photo(image, 0, 16),
        }
        for way, of_way in enumerate(result.images.reshape(-1, len(SEEN), 8, 8))
        for row, image in enumerate(of_way)
    ]
    x = alt.X("x:Q").scale(domain=[0, len(HEADS)], nice=False).axis(None)
    y = alt.Y("y:Q").scale(domain=[len(SEEN), -0.5], nice=False).axis(None)
    heads = [
        {"x": way + 0.5, "y": -0.25, "text": head, "series": series}
        for way, (head, series) in enumerate(HEADS)
    ]
    chart = layers(images(places, x, y), texts(heads, fontWeight="bold"))
    return Picture(chart, "New images as the network reads them, normalized in different ways")


VIEWS = {"sets": sets, "seen": seen}
