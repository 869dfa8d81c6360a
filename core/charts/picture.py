"""A picture: one Vega-Lite view with its size, and what it shows in words.

Each experiment's `picture.py` has `VIEWS`: name -> `view(result, shared)`, the first one being the
page's picture. `shared` are all results that are drawn below each other (the pinned one and the
current one), so that their axes can be made to cover both.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts.colours import colour, themed
from core.nn.search import Range

HEIGHT = 400  # px, on the page: heading, picture and verdict then fit a 1280x720 screen
COMPARED_HEIGHT = 300  # px of each of two pictures below each other
PRESENTED = 1180, 446  # px, on a projector of 1280x720; larger ones scale it up

TYPE, PRESENTED_TYPE = 14, 20  # px of all text but titles
TITLE = 8 / 7  # of that
LARGE = 3 / 2  # of that, for the few numbers that a picture is about
STROKE, PRESENTED_STROKE = 2.5, 3.5  # px

AREA = "area"  # the name of an interval selection

View = Callable[[Any, Sequence[Any]], "Picture"]
Views = Mapping[str, View]


@dataclass(frozen=True)
class Pick:
    """How a knob's range is read off an area that is drawn with the pointer.

    field: of the layer that has the selection AREA; it holds places in `axis`, between 0 and 1, or,
    where that is None, the values themselves.
    """

    knob: str
    field: str
    axis: Range | None = None

    def ends(self, area: Any) -> tuple[float, float] | None:
        """Return the two ends of an area along the field, with three digits.

        area: {field: two places}. Whoever sends it need not be a picture: None for what is no area.
        """
        try:
            ends = np.sort(np.asarray(area[self.field], float))
            if self.axis:
                ends = self.axis.at(np.clip(ends, 0, 1))
            low, high = (float(f"{end:.3g}") for end in ends)
        except (KeyError, TypeError, ValueError, OverflowError):
            return None
        return low, high


@dataclass(frozen=True)
class Picture:
    """A chart of one view, and what it shows in words, without numbers that change with a knob.

    picks: the knobs that an area set by the pointer moves; a layer has the selection AREA then.
    """

    chart: Any
    alt: str
    picks: tuple[Pick, ...] = ()

    def spec(
        self, *, dark: bool = False, presenting: bool = False, height: int = HEIGHT
    ) -> dict[str, Any]:
        """Return the Vega-Lite specification, its data as frames."""
        spec = self.chart.to_dict()
        _share_colours(spec)
        _enlarge(spec, PRESENTED_TYPE if presenting else TYPE)
        frames = {name: pd.DataFrame(rows) for name, rows in spec.pop("datasets", {}).items()}
        size = {"height": height}
        if presenting:
            size = dict(zip(("width", "height"), PRESENTED))
        config = themed(_config(presenting), dark)
        return {**themed(spec, dark), **size, "config": config, "datasets": frames}


def _layers(spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield spec
    for layer in spec.get("layer", []):
        yield from _layers(layer)


def _share_colours(spec: dict[str, Any]) -> None:
    """Give all layers one scale of colours, in place: each layer names only what it draws itself.

    Vega-Lite would take the scale of one layer for all.
    """
    encodings = [layer.get("encoding", {}).get("color", {}) for layer in _layers(spec)]
    scales = [
        e["scale"] for e in encodings if isinstance((e.get("scale") or {}).get("range"), list)
    ]
    named = [scale for scale in scales if isinstance(scale["domain"][0], str)]
    colours = {n: c for scale in named for n, c in zip(scale["domain"], scale["range"])}
    for scale in named:
        scale |= {"domain": list(colours), "range": list(colours.values())}


def _enlarge(spec: dict[str, Any], size: int) -> None:
    """Give texts of the style "large" their size, in place: one set in the style has no effect."""
    for layer in _layers(spec):
        mark = layer.get("mark")
        if isinstance(mark, dict) and mark.get("style") == "large":
            mark |= {"fontSize": round(size * LARGE), "fontWeight": "bold"}


def _config(presenting: bool) -> dict[str, Any]:
    """Return type, strokes and colours that all pictures share."""
    size = PRESENTED_TYPE if presenting else TYPE
    stroke = PRESENTED_STROKE if presenting else STROKE
    text = {"labelFontSize": size, "titleFontSize": size, "titleFontWeight": "normal"}
    return {
        "axis": {
            **text,
            "labelColor": colour("soft"),
            "titleColor": colour("soft"),
            "gridColor": colour("grid"),
            "domainColor": colour("context"),
            "tickColor": colour("context"),
            "labelFlush": False,
            "labelLimit": 0,
            "titlePadding": 8,
        },
        "legend": {**text, "labelColor": colour("ink"), "titleColor": colour("soft")},
        "title": {
            "fontSize": round(size * TITLE),
            "anchor": "start",
            "color": colour("ink"),
            "subtitleFontSize": size,
            "subtitleColor": colour("soft"),
        },
        # The picture's own text says what it shows; one per mark would take a third of a redraw.
        "mark": {"aria": False},
        "text": {"fontSize": size, "color": colour("ink")},
        "line": {"strokeWidth": stroke},
        "trail": {"strokeWidth": stroke},
        "rule": {"strokeWidth": stroke / 2, "color": colour("context")},
        "point": {"size": 30 * stroke, "filled": True, "opacity": 1},
        "view": {"stroke": None},
        "style": {
            "head": {"fontWeight": "bold"},
            "remark": {"fontStyle": "italic", "fill": colour("soft")},
        },
    }


def pointer_area() -> Any:
    """Return the selection AREA, to be drawn with a mouse: a finger scrolls the page."""
    drag = "[pointerdown[event.pointerType === 'mouse'], window:pointerup] > window:pointermove!"
    return alt.selection_interval(name=AREA, on=drag, translate=False, zoom=False)


def frame(columns: Mapping[str, Any], **constants: Any) -> pd.DataFrame:
    """Return columns of equal length as a frame, constants repeated in every row."""
    return pd.DataFrame({**columns, **constants})


def layers(*charts: Any) -> Any:
    """Return charts drawn over each other, those that are None left out."""
    return alt.layer(*(chart for chart in charts if chart is not None))
