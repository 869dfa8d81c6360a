"""A panel: one chart with its alternative text and its share of the page's width."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import pandas as pd

HEIGHT = 390  # px: heading, picture, findings and knobs then fit one 1280x720 screen
HALF_HEIGHT = 187  # px, of two charts below each other

INK = "#7a7a7a"  # of text on a chart: the one gray that is legible on light and dark alike

NORMAL = {"height": 1, "font": 12, "title": 13, "line": 2.5, "point": 60}
PRESENTED = {"height": 1.25, "font": 16, "title": 17, "line": 4, "point": 140}


@dataclass(frozen=True)
class Panel:
    """A chart, what it shows in words, and its width relative to its neighbours."""

    chart: Any
    alt: str
    width: float = 1

    def spec(self, presenting: bool = False) -> dict[str, Any]:
        """Return the Vega-Lite specification, its data as frames; larger for a projector."""
        size = PRESENTED if presenting else NORMAL
        axis = {"labelFontSize": size["font"], "titleFontSize": size["font"]}
        config = {
            "axis": axis,
            "legend": {**axis, "symbolStrokeWidth": size["line"], "symbolType": "stroke"},
            "title": {"fontSize": size["title"], "anchor": "start"},
            # The panel's own text says what it shows; one per mark would take a third of a redraw.
            "mark": {"aria": False},
            "text": {"fontSize": size["font"], "color": INK},
            "line": {"strokeWidth": size["line"]},
            "rule": {"strokeWidth": size["line"] / 2},
            "point": {"size": size["point"], "filled": True},
        }
        spec = self.chart.to_dict()
        spec["datasets"] = {name: pd.DataFrame(rows) for name, rows in spec["datasets"].items()}
        return {**spec, "height": round(size["height"] * spec["height"]), "config": config}


def frame(columns: Mapping[str, Any], **constants: Any) -> pd.DataFrame:
    """Return columns of equal length as a frame, constants repeated in every row."""
    return pd.DataFrame({**columns, **constants})


def stack(tables: Mapping[str, Mapping[str, Any]], name: str) -> pd.DataFrame:
    """Return one frame from several tables of the same columns, their labels in column `name`."""
    frames = [frame(columns, **{name: label}) for label, columns in tables.items()]
    return pd.concat(frames, ignore_index=True)


def family(names: Sequence[str], title: str | None = None, field: str = "series") -> alt.Color:
    """Return the colour of a family of names: always the same name in the same colour.

    The domain is the whole family, not the names in the data; the theme's palette fills it.
    """
    return alt.Color(f"{field}:N").scale(domain=list(names)).title(title)
