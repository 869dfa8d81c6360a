"""Maxout: what blocks gradients beside what it costs, the plane, one unit, and accuracy."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts import plane
from core.charts.colours import by_meaning, colour
from core.charts.columns import Columns
from core.charts.curves import by_epoch, curves
from core.charts.marks import read_ends, remark, texts
from core.charts.picture import Picture, frame, layers
from core.experiments.activations.maxout.experiment import (
    DRAWN,
    EPOCHS,
    KINDS,
    LINE,
    MANY_DEAD,
    SPECIAL,
    STARTS,
    UNITS,
    Result,
    over_starts,
    tables,
)
from core.lab.say import number, percent
from core.lab.words import name_of

HEADS = {
    "unit": "",
    "blocked": "gradients\nblocked",
    "parameters": "parameters of the\nhidden layer",
}
# of a unit that is drawn small, left and right of its bend
SLOPES = {"relu": (0.0, 0.4), "leaky_relu": (0.06, 0.4), "maxout": (-0.25, 0.4)}
BENDS = {
    "relu": "flat: nothing passes",
    "leaky_relu": "never flat, slopes fixed",
    "maxout": "larger of 2 learned lines",
}
LINES = {"relu": "1 line per unit", "leaky_relu": "1 line per unit", "maxout": "2 lines per unit"}
HALF = 0.15  # of a bar's thickness, in rows
BESIDE = 0.33  # of the names above the units and the remarks below units and bars
TOP = len(KINDS) - 0.2  # of the columns' names

DASHED = ("line 1", "line 2")  # of one unit

ABOVE, BELOW = 0.19, 0.15  # room for heads and remarks in the plane, of its height


def price(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw a row a kind of unit: the unit itself, what it blocks and what it has to learn."""
    columns = Columns(tuple(HEADS), 0.0, 1.0, gap=0.45)
    most = max(float(r.parameters.max()) for r in shared)
    learned, blocked = dict(zip(UNITS, result.parameters.tolist())), over_starts(result.blocked)
    rows = dict(zip(KINDS, range(len(KINDS))[::-1]))
    bars, said = [], []
    for kind, row in rows.items():
        parts = {"blocked": blocked.get(kind, 0.0), "parameters": learned[kind] / most}
        values = {"parameters": number(learned[kind])}
        if kind in blocked:
            values["blocked"] = percent(blocked[kind])
        notes = {"unit": BENDS[kind], "blocked": _note(result, kind), "parameters": LINES[kind]}
        for case, part in parts.items():
            x = columns.shift(case)
            bar = {"x": x, "x2": x + part, "y": row - HALF, "y2": row + HALF, "row": row}
            bars.append(bar | {"series": kind, "value": values.get(case, "")})
        said += [
            {"x": columns.shift(case), "y": row - BESIDE, "text": text, "series": "soft"}
            for case, text in notes.items()
        ]
    start = columns.shift("blocked")
    whole = [{**bar, "x2": start + 1} for bar in bars if bar["x"] == start and bar["value"]]
    names = [
        {"x": 0.0, "y": row + BESIDE, "text": name_of(kind), "series": kind}
        for kind, row in rows.items()
    ]
    heads = [
        {"x": columns.shift(case), "y": TOP, "text": head, "series": "ink"}
        for case, head in HEADS.items()
    ]
    base = alt.Chart(pd.DataFrame(bars))
    x2, y2 = alt.X2("x2:Q"), alt.Y2("y2:Q")
    y = alt.Y("y:Q").axis(None).scale(domain=[-0.5, TOP + 0.1], nice=False)
    chart = layers(
        alt.Chart(pd.DataFrame(whole))
        .mark_rect(color=colour("grid"))
        .encode(columns.x(title="", ticks={}), y, x2, y2)
        if whole
        else None,
        base.mark_rect().encode(columns.x(title="", ticks={}), y, x2, y2, by_meaning(KINDS)),
        base.mark_text(dx=6, fontWeight="bold", align="left", baseline="middle").encode(
            alt.X("x2:Q"), alt.Y("row:Q"), alt.Text("value:N")
        ),
        *_sketches(rows),
        texts(names, align="left", style="head"),
        texts(said, align="left", style="remark"),
        texts(heads, align="left", style="head"),
    )
    return Picture(chart, "Each kind of unit, the share of gradients blocked, and parameters")


def _sketches(rows: Mapping[str, int]) -> list[Any]:
    """Draw each kind of unit small in its row, with the two lines that a maxout unit learns."""
    x = np.linspace(0.0, 0.8, 3)
    parts = []
    for kind, row in rows.items():
        lines = [slope * (x - x[1]) + row for slope in SLOPES[kind]]
        drawn = {"larger": np.maximum(*lines)}
        if kind == "maxout":
            drawn |= dict(zip(DASHED, lines))
        parts += [
            frame({"x": x, "y": y}, series=kind, line=f"{kind} {line}", bold=line == "larger")
            for line, y in drawn.items()
        ]
    data = pd.concat(parts)
    base = alt.X("x:Q"), alt.Y("y:Q"), alt.Detail("line:N"), by_meaning(data["series"])
    return [
        alt.Chart(data[~data["bold"]]).mark_line(strokeDash=[4, 3], strokeWidth=1.5).encode(*base),
        alt.Chart(data[data["bold"]]).mark_line(strokeWidth=4).encode(*base),
    ]


def _note(result: Result, kind: str) -> str:
    """Say what became of units or networks, where it is worth a word."""
    own = KINDS.index(kind)
    if diverged := int(np.isnan(result.blocked[own]).sum()):
        return f"{diverged} of {STARTS} diverged"
    dead = float(result.dead[own].mean())
    return f"{percent(dead)} off on all data" if dead > MANY_DEAD else ""


def planes(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw what a maxout and a ReLU network predict, and where their units change pieces."""
    extent, columns = result.extent, plane.planes(result.extent, DRAWN)
    drawn, heads = [], {}
    for row, kind in enumerate(DRAWN):
        shift, logits = columns.shift(kind), result.logits[row]
        last = result.accuracy[KINDS.index(kind), result.drawn, -1]
        right = f"{percent(last)} right" if np.isfinite(last) else "diverged"
        heads[kind] = f"{_units(result.config.hidden, name_of(kind))}:\n{right}"
        if np.isfinite(last):
            switches = plane.lines(result.normals[row], result.offsets[row], extent)
            drawn += [
                plane.regions(logits.argmax(axis=-1), extent, shift),
                plane.drawn(list(switches), "context", shift, strokeWidth=1.5),
                plane.drawn(plane.borders(logits, extent), kind, shift),
            ]
        drawn.append(plane.points(result.x, result.y, shift))
    below = {"relu": "thin: a unit turns\non or off", "maxout": "thin: a unit changes\nits line"}
    chart = layers(
        plane.frames(columns, above=ABOVE, below=BELOW),
        *drawn,
        columns.heads(heads, extent * 1.24),
        texts(
            [
                {"x": columns.shift(kind), "y": -extent * 1.1, "text": text, "series": "soft"}
                for kind, text in below.items()
            ],
            style="remark",
        ),
    )
    return Picture(chart, "What both networks predict in the plane, and where units change")


def _units(count: int, kind: str) -> str:
    return f"{count} {kind} unit" + "s" * (count > 1)


def unit(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw one unit, and why it passes everything."""
    said = remark("at every input\nthe larger line counts", -2.6, 1.6)
    return Picture(
        layers(_unit(result.config.special), said), "A maxout unit is the larger of two lines"
    )


def _unit(special: str) -> Any:
    """Draw the two lines of one unit and the larger one of them."""
    end, lines = float(LINE[-1]), [slope * LINE + shift for slope, shift in SPECIAL[special]]
    drawn = {"larger": np.maximum(*lines), "line 1": lines[0], "line 2": lines[1]}
    data = pd.concat(
        frame({"x": LINE, "y": y}, series="context" if name in DASHED else "maxout", line=name)
        for name, y in drawn.items()
    )
    names = [f"{n}: {number(slope)} · x" for n, (slope, _) in zip(DASHED, SPECIAL[special])]
    larger = {"x": end, "y": end, "text": f"Maxout =\n{name_of(special)}", "series": "maxout"}
    second = {"x": end, "y": lines[1][-1], "text": names[1], "series": "soft"}
    first = {"x": -2.0, "y": -1.7, "text": names[0], "series": "soft"}
    return layers(
        curves(
            data,
            x=alt.X("x:Q")
            .scale(domain=[-end, end], nice=False)
            .axis(grid=False, tickCount=5)
            .title("input x"),
            y=alt.Y("y:Q")
            .scale(domain=[-end, end], nice=False)
            .axis(domain=False, ticks=False, tickCount=5)
            .title("output"),
            dashed=DASHED,
        ),
        texts([larger, second], align="left", dx=8, fontWeight="bold"),
        texts([first], align="right", dx=-4, fontWeight="bold"),
    )


def setting(result: Result) -> Picture:
    """Draw one unit: what it computes, not what it passes."""
    return Picture(_unit(result.config.special), "A maxout unit and its two lines")


def epochs(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the accuracy of every kind by epoch: mean and range of the starts."""
    data = frame(tables(result)["epochs"]).dropna()
    data = data.assign(series=data["unit"], name=data["unit"].map(name_of))
    domain = 0.0, 1.02
    last = data[data["epoch"] == EPOCHS]
    ends = {
        row.series: (EPOCHS, row.accuracy, f"{row.name} {percent(row.accuracy)}")
        for row in last.itertuples(index=False)
    }
    chart = layers(
        curves(
            data,
            **by_epoch(EPOCHS, "points predicted right", domain=domain),
            tooltip=[
                alt.Tooltip("name:N"),
                alt.Tooltip("epoch:Q"),
                alt.Tooltip("accuracy:Q", format=".1%"),
            ],
        ),
        read_ends(ends, domain=domain) if ends else None,
        remark(f"line: mean of {STARTS} starts\nband: their range", EPOCHS * 0.4, 0.17),
    )
    return Picture(chart, "Training accuracy by epoch, a line a kind of unit")


VIEWS = {"price": price, "planes": planes, "unit": unit, "epochs": epochs}
SETTING = setting
