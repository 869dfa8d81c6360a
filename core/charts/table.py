"""A small table drawn as text, where numbers beside a picture say more than marks."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from core.charts.panel import family


def text_table(columns: Mapping[str, Sequence[str]], names: Sequence[str]) -> Any:
    """Return a chart of texts, a column per name; the first column is the rows' names.

    names: the family of the rows' names, whose colors they are written in.
    """
    (_, rows), *_ = columns.items()
    data = pd.DataFrame(
        [
            {"row": row, "column": name, "series": text}
            for name, texts in columns.items()
            for row, text in zip(rows, texts)
        ]
    )
    hidden = alt.Axis(domain=False, ticks=False, labels=False, grid=False)
    x = alt.X("column:N").sort(None).title(None)
    x = x.axis(orient="top", labelAngle=0, labelOverlap=False, domain=False, ticks=False)
    base = (
        alt.Chart(data)
        .mark_text()
        .encode(x, alt.Y("row:N").sort(None).title(None).axis(hidden), text="series:N")
    )
    first = base.transform_filter(alt.datum.column == next(iter(columns)))
    others = base.transform_filter(alt.datum.column != next(iter(columns)))
    bold = first.mark_text(fontWeight="bold").encode(family(names).legend(None))
    return alt.layer(bold, others)
