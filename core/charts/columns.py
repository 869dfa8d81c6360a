"""Panels side by side in one view: the same axes once per case, drawn as one picture.

One view (and not several charts in a row) keeps the picture whole on a phone, full screen and when
it is saved. Every case's x values are shifted to the right by its own offset.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts.colours import by_meaning
from core.charts.marks import Align, worded


@dataclass(frozen=True)
class Columns:
    """Cases side by side, each with its own x axis from low to high.

    cases: names in order. gap: between two columns, as a share of a column's width.
    """

    cases: Sequence[str]
    low: float
    high: float
    gap: float = 0.15

    @property
    def _step(self) -> float:
        return (self.high - self.low) * (1 + self.gap)

    def shift(self, case: str) -> float:
        """Return what is added to the x values of a case."""
        return list(self.cases).index(case) * self._step

    def shifted(self, data: pd.DataFrame, *fields: str, case: str = "case") -> pd.DataFrame:
        """Return the frame with its x fields moved to the column of each row's case."""
        by = data[case].map({name: self.shift(name) for name in self.cases}).astype(float)
        return data.assign(**{field: data[field] + by for field in fields})

    @property
    def end(self) -> float:
        """Return where the last column ends."""
        return self.high + self._step * (len(self.cases) - 1)

    def x(
        self, field: str = "x", *, title: str, ticks: Mapping[float, str], room: float = 0
    ) -> Any:
        """Return the axis of all columns: ticks are value -> label, repeated in every column.

        room: to the right of the last column, as a share of a column's width.
        """
        labels = {
            tick + self.shift(case): text for case in self.cases for tick, text in ticks.items()
        }
        end = self.end + room * (self.high - self.low)
        return (
            alt.X(f"{field}:Q")
            .scale(domain=[self.low, end], nice=False, zero=False)
            .axis(**worded(labels), grid=False, domain=False, ticks=False)
            .title(title)
        )

    def heads(self, titles: Mapping[str, str], y: float, *, align: Align = "center") -> Any:
        """Write each case's title over its column, in its colour; "\\n" starts a new line.

        titles: case -> text; cases are names of the colour table. y: in the units of the axis.
        """
        at = {"left": self.low, "center": (self.low + self.high) / 2}[align]
        rows = [
            {"x": at + self.shift(case), "y": y, "text": titles[case], "series": case}
            for case in self.cases
        ]
        data = pd.DataFrame(rows)
        return (
            alt.Chart(data)
            .mark_text(align=align, baseline="bottom", style="head", lineBreak="\n")
            .encode(alt.X("x:Q"), alt.Y("y:Q"), alt.Text("text:N"), by_meaning(data["series"]))
        )

    def frames(self, low: float, high: float, meaning: str = "grid") -> pd.DataFrame:
        """Return the outline of every column between two heights: x, x2, y, y2 and case."""
        starts = np.array([self.low + self.shift(case) for case in self.cases])
        return pd.DataFrame(
            {
                "x": starts,
                "x2": starts + self.high - self.low,
                "y": low,
                "y2": high,
                "case": list(self.cases),
            }
        )


def one_scale(
    x: alt.X, y: alt.Y, wide: tuple[float, float], tall: tuple[float, float], above: str = "0"
) -> tuple[alt.X, alt.Y]:
    """Return axes whose units are equally long, whatever the picture's size: circles stay round.

    wide, tall: what must be seen; the picture shows more of one. above: px to keep free at the top,
    an expression.
    """
    middles, halves = zip(*(((low + high) / 2, (high - low) / 2) for low, high in (wide, tall)))
    height = f"(height - {above})"
    across = f"max({halves[0]}, {halves[1]} * width / {height})"
    up = f"max({halves[1]}, {halves[0]} * {height} / width)"
    top = f"{up} * (1 + 2 * {above} / {height})"
    ends = [(f"{middles[0]} - {across}", f"{middles[0]} + {across}")]
    ends += [(f"{middles[1]} - {up}", f"{middles[1]} + {top}")]
    scales = [
        alt.Scale(domainMin=alt.ExprRef(low), domainMax=alt.ExprRef(high), nice=False, zero=False)
        for low, high in ends
    ]
    return x.scale(scales[0]), y.scale(scales[1])
