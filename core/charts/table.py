"""A small table drawn as text, where numbers beside a picture say more than marks."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd


def text_table(columns: Mapping[str, Sequence[str]]) -> Any:
    """Return a chart of texts: one column per name, the first one is the rows' names."""
    (_, rows), *others = columns.items()
    data = pd.DataFrame(
        [
            {"row": row, "column": name, "text": text}
            for name, texts in others
            for row, text in zip(rows, texts)
        ]
    )
    return (
        alt.Chart(data)
        .mark_text()
        .encode(
            alt.X("column:N")
            .sort(None)
            .title(None)
            .axis(orient="top", labelAngle=0, domain=False, ticks=False, labelLimit=200),
            alt.Y("row:N").sort(None).title(None).axis(domain=False, ticks=False, grid=False),
            text="text:N",
        )
    )
