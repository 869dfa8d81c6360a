"""Histograms: ridges over training, percentiles, movement, and units by examples."""

from collections.abc import Callable, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts.colours import by_meaning, colour
from core.charts.columns import Columns
from core.charts.curves import curves
from core.charts.marks import (
    apart,
    at_position,
    by_width,
    clipped,
    line_ends,
    on_phone,
    position,
    remark,
    rule,
    texts,
    worded,
)
from core.charts.picture import Picture, layers
from core.experiments.babysitting.histograms.experiment import (
    DRAWN,
    EARLY,
    EDGES,
    EXAMPLES,
    HEALTHY,
    KINDS,
    OUTPUTS,
    PERCENTILES,
    SETTLED,
    UNITS,
    Result,
    stages,
)
from core.lab.say import number, percent

Row = dict[str, Any]

NAMES = {
    "healthy": "healthy",
    "dying": "biases of −4",
    "vanishing": "tiny weights",
    "exploding": "large weights",
    "overfitting": "learns only 100 digits",
    "sparse": "biases of −2 in layer 1",
    "rescaled": "layer 1 rescaled",
}
WHY = {
    "healthy": "sums below 0\nbecome 0:\nabout half",
    "dying": "hardly any\noutput above 0:\nbiases of −4\nmake nearly all\nsums negative",
    "vanishing": "tiny weights:\nsums shrink in\nevery layer",
    "exploding": "weights large:\nsums grow in\nevery layer",
    "overfitting": "as in the\nhealthy run",
    "sparse": "few sums\nof layer 1\nabove 0",
    "rescaled": "layer 1 ÷ 20,\nlayer 2 × 20:\nsame start",
}
SICK = {
    "dying": "sick: dead units",
    "vanishing": "sick: tiny outputs",
    "exploding": "sick: huge outputs",
}
LEARNS = ("sparse", "rescaled")  # odd, but not sick
COUNTED = ("healthy", "dying", "sparse")  # their dead units are told, of the others the std
ROOMY = ("healthy", "dying")  # there is room to say what their shares of zeros are of
ZERO, BLOCK = -9.0, 3.0  # where the block of the zeros begins, and its width in decades
BIN = float(EDGES[1] - EDGES[0])
TALLEST, FULL = 0.88, 0.1  # height, in rows, of a bin that holds this share of all outputs
FAINT = 0.1  # of the tallest bin: lower ones do not push a word aside
ALL, MIDDLE = 0.95, 0.1  # zeros that leave no bins to be seen; a std that lies in mid-axis
LINE = 0.07  # of the picture's height: a line of text over the columns
PARTED = 1.4  # lines, for what the parts of a column hold
TICKS = {ZERO + BLOCK / 2: "0", -3.0: "0.001", 0.0: "1", 3.0: "1,000"}
FLOOR = 5e-4  # of the axis of movement


def _cases(result: Result) -> dict[str, int]:
    """Return meaning -> kind of run, of the columns drawn."""
    return {"good": HEALTHY} | ({_meaning(result): result.kind} if result.kind else {})


def _meaning(result: Result) -> str:
    return "other" if result.config.kind in LEARNS else "bad"


def _name(kind: int) -> str:
    return NAMES[list(KINDS)[kind]]


def _heads(result: Result, columns: Columns, at: Callable[[float], float]) -> Any:
    """Write over every column what kind of run it is and how well it does, from the top down.

    at: the y of a share of the picture's height, from its top.
    """
    rows = [
        {
            "x": (columns.low + columns.high) / 2 + columns.shift(meaning),
            "y": at(LINE * (line + 0.5)),
            "text": text,
            "short": short,
            "series": meaning,
        }
        for meaning in columns.cases
        for line, (text, short) in enumerate(_said(result, meaning))
    ]
    return by_width(rows, align="center", fontWeight="bold")


def _said(result: Result, meaning: str) -> list[tuple[str, str]]:
    """Return the lines over a column, each with a short form."""
    kind = _cases(result)[meaning]
    seen, new = (percent(float(right[kind, DRAWN])) for right in (result.train, result.val))
    name = _name(kind)
    if meaning == "bad":
        name = SICK.get(stages(result, kind)[-1], name)
    lines = [(name, name)]
    if result.config.kind == "overfitting":
        lines.append((f"{seen} of training digits right", f"train: {seen} right"))
    if result.config.kind == "rescaled":
        gradient = result.gradient[:, DRAWN, result.config.layer - 1]
        times = f"gradients × {number(gradient[kind] / gradient[HEALTHY])}"
        lines.append((f"{times} at the start", times))
    return [*lines, (f"{new} of new digits right", f"new: {new} right")]


def ridges(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw a histogram of the outputs for every stage, those that are 0 as a block beside it."""
    return Picture(
        _ridges(result, list(_cases(result))),
        "Histograms of a layer's outputs over training, a healthy run beside it",
    )


def setting(result: Result) -> Picture:
    """Draw the healthy run alone."""
    return Picture(_ridges(result, ["good"]), "Histograms of a healthy layer over training")


def _drawn(result: Result) -> dict[int, str]:
    """Return the last moment of every stage of the healthy run -> what the stage is called."""
    last = {stage: moment for moment, stage in enumerate(stages(result, HEALTHY))}
    return {moment: SICK.get(stage, stage) for stage, moment in last.items()}


def _ridges(result: Result, meanings: Sequence[str]) -> Any:
    moments, cases = _drawn(result), _cases(result)
    columns = Columns(meanings, ZERO, float(EDGES[-1]), gap=0.2)
    bars: list[Row] = []
    named: list[Row] = []
    for meaning in meanings:
        bars += _bars(result, cases[meaning], meaning, columns)
        named += _named(result, cases[meaning], meaning, columns)
    heads = len(_said(result, "good"))
    over = LINE * (heads + PARTED)
    top = len(moments) * over / (1 - over)

    def at(share: float) -> float:
        return share * (len(moments) + top) - top

    y = alt.Y("y:Q").scale(domain=[len(moments), -top], nice=False).axis(None)
    x = columns.x(title=f"outputs of layer {result.config.layer} (log axis)", ticks=TICKS)
    light, dark = (
        alt.Chart(pd.DataFrame([bar for bar in bars if bar["dark"] == so])) for so in (0, 1)
    )
    blocks = pd.concat([columns.frames(row + 1 - TALLEST, row + 1) for row in range(len(moments))])
    blocks["x2"] = blocks["x"] + BLOCK
    names = by_meaning(meanings)
    return layers(
        light.mark_rect(opacity=0.55).encode(x, y, names, alt.X2("x2"), alt.Y2("y2")),
        dark.mark_rect().encode(x, y, names, alt.X2("x2"), alt.Y2("y2"))
        if len(dark.data)
        else None,
        alt.Chart(blocks)
        .mark_rect(filled=False, stroke=colour("context"))
        .encode(alt.X("x:Q"), alt.Y("y:Q"), alt.X2("x2"), alt.Y2("y2")),
        _rows(result),
        by_width(named, fontWeight="bold"),
        by_width(_parts(columns, at(LINE * (heads + PARTED / 2))), align="center"),
        _heads(result, columns, at),
        _why(result, columns, len(moments)),
    )


def _rows(result: Result) -> Any:
    """Name the stage of the healthy run, and the step, left of every row."""
    rows = []
    for row, (moment, stage) in enumerate(_drawn(result).items()):
        step = f"step {result.config.moments[moment]}"
        rows += [
            {"x": ZERO, "y": row + 0.42, "text": stage, "series": "good"},
            {"x": ZERO, "y": row + 0.8, "text": step, "series": "soft"},
        ]
    return texts(rows, align="right", dx=-8)


def _parts(columns: Columns, y: float) -> list[Row]:
    """Say over the block and over the bins which outputs they hold."""
    parts = (ZERO + BLOCK / 2, "outputs exactly 0", "0"), (-1.0, "outputs above 0", "above 0")
    return [
        {"x": x + columns.shift(case), "y": y, "text": text, "short": short, "series": "soft"}
        for case in columns.cases
        for x, text, short in parts
    ]


def _why(result: Result, columns: Columns, rows: int) -> Any:
    """Say in the last column why it looks as it does, not on a phone."""
    kind = list(_cases(result).values())[len(columns.cases) - 1]
    std, zero = (result.at(name, kind)[DRAWN, -1] for name in ("std", "zero"))
    x = 0.6 if zero > ALL else 1.4 if std < MIDDLE else -2.8
    place = {
        "x": x + columns.shift(columns.cases[-1]),
        "y": rows / 2 - (0.6 if zero > ALL else 0.1),
        "text": WHY[list(KINDS)[kind]],
    }
    said = on_phone("''", "datum.text")
    return (
        alt.Chart(pd.DataFrame([place]))
        .mark_text(style="remark", baseline="middle", lineBreak="\n", text=said)
        .encode(alt.X("x:Q"), alt.Y("y:Q"))
    )


def _bars(result: Result, kind: int, meaning: str, columns: Columns) -> list[Row]:
    """Return the bins of outputs above 0, and the block of the zeros in its two parts."""
    layer, shift = result.config.layer - 1, columns.shift(meaning)
    shares = result.counts[kind, layer, :, :-1] / OUTPUTS
    zero, dead = (result.at(name, kind)[DRAWN] for name in ("zero", "dead"))
    rows = []

    def bar(x: float, wide: float, row: int, ends: tuple[float, float], dark: int) -> None:
        low, high = TALLEST * np.minimum(ends, 1)
        if high > low:
            rows.append(
                {
                    "x": x + shift,
                    "x2": x + shift + wide,
                    "y": row + 1 - low,
                    "y2": row + 1 - high,
                    "series": meaning,
                    "dark": dark,
                }
            )

    for row, moment in enumerate(_drawn(result)):
        bar(ZERO, BLOCK, row, (0, dead[moment]), 1)
        bar(ZERO, BLOCK, row, (dead[moment], zero[moment]), 0)
        for x, share in zip(EDGES.tolist(), shares[moment]):
            bar(x, BIN, row, (0, share / FULL), 0)
    return rows


def _named(result: Result, kind: int, meaning: str, columns: Columns) -> list[Row]:
    """Write the share of zeros beside every block; beside the last row what the run is told by."""
    zero, dead, std = (result.at(name, kind)[DRAWN] for name in ("zero", "dead", "std"))
    shift, last = columns.shift(meaning), len(_drawn(result)) - 1
    rows: list[Row] = []

    def write(x: float, y: float, text: str, short: str) -> None:
        rows.append({"x": x + shift, "y": y, "text": text, "short": short, "series": meaning})

    beside = ZERO + BLOCK + 0.2
    for row, moment in enumerate(_drawn(result)):
        share = percent(zero[moment])
        named = f"{share} of outputs" if result.config.kind in ROOMY else share
        write(beside, row + 1.05 - TALLEST * zero[moment], named, share)
    if result.config.kind in COUNTED:
        middle = 1 - TALLEST * dead[-1] / 2, 1 - TALLEST * (dead[-1] + zero[-1]) / 2
        if dead[-1]:
            rows[-1] |= {"y": last + middle[1], "text": "◂ the others: on for few digits"}
            share = percent(dead[-1])
            write(
                beside,
                last + min(0.83, middle[0]),
                f"◂ {share} of units are dead",
                f"◂ {share} dead",
            )
        else:
            rows[-1]["y"] = min(rows[-1]["y"], last + 0.48)
            write(beside, last + 0.83, "no unit is dead", "0% dead" if kind == result.kind else "")
    else:
        bins = result.counts[kind, result.config.layer - 1, -1, :-1]
        right = float(EDGES[1:][bins > FAINT * bins.max()].max(initial=EDGES[0]))
        write(right + 0.2, last + 0.55, *[f"std {number(std[-1])}"] * 2)
    return rows


def bands(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw percentiles of the outputs over training as nested bands, on a square-root axis."""
    layer, cases, moments = result.config.layer - 1, _cases(result), result.config.moments
    columns = Columns(list(cases), 0, moments[-1], gap=0.3)
    top = max(float(run.percentiles[list(cases.values()), layer].max()) for run in shared)
    drawn, lines, named = [], [], []
    for meaning, kind in cases.items():
        values, shift = result.percentiles[kind, layer], columns.shift(meaning)
        for m, step in enumerate(moments):
            for k in range(len(PERCENTILES) // 2):
                drawn.append(
                    {
                        "x": step + shift,
                        "low": values[m, k],
                        "high": values[m, -1 - k],
                        "band": k,
                        "series": meaning,
                    }
                )
            lines.append({"x": step + shift, "low": values[m, 4], "series": meaning})
        named += _percents(values[-1], moments[-1] + shift, meaning, top)
    x = columns.x(
        title="",
        ticks={0.0: "0", moments[-1] / 2: f"{moments[-1] // 2}", float(moments[-1]): "end"},
        room=0.2,
    ).title(["steps; bands: percentiles 0 to 100, 7 to 93,", "16 to 84, 31 to 69; line: 50"])
    y = (
        alt.Y("low:Q")
        .scale(type="sqrt", domain=[0, top * 2], nice=False)
        .axis(values=_roots(top), grid=False, domain=False, ticks=False)
        .title(f"outputs of layer {layer + 1} (square root)")
    )
    names = by_meaning(cases)
    area = alt.Chart(pd.DataFrame(drawn)).mark_area(opacity=0.25)
    line = alt.Chart(pd.DataFrame(lines)).mark_line()
    chart = layers(
        area.encode(x, y, names, alt.Y2("high"), alt.Detail("band:N")),
        line.encode(alt.X("x:Q"), alt.Y("low:Q"), color=names),
        texts(named, align="left", dx=6),
        _heads(result, columns, lambda share: 2 * top * (1 - share) ** 2),
    )
    return Picture(chart, "Percentiles of a layer's outputs over training")


def _roots(top: float) -> list[float]:
    """Return round values of an axis of square roots."""
    unit = 10.0 ** np.floor(np.log10(top))
    return [0, *(round(unit * part, 9) for part in (0.1, 0.5, 1, 2, 5) if unit * part <= top)]


def _percents(values: np.ndarray, x: float, meaning: str, top: float) -> list[Row]:
    """Name the percentiles at the ends of their bands, those at the bottom together."""
    domain = (0.0, float(np.sqrt(2 * top)))
    low = max((k for k, v in enumerate(values) if v < top / 1000), default=0)
    kept = range(low, len(values))
    places = apart(position(np.sqrt(values[low:]), domain).tolist())
    names = [str(PERCENTILES[k]) for k in kept]
    names[0] = f"≤ {names[0]}" if low else names[0]
    return [
        {"x": x, "y": y**2, "text": text, "series": meaning}
        for text, y in zip(names, at_position(places, domain).tolist())
    ]


def movement(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw how much the outputs change per epoch, and where the stages lie."""
    cases, moments = _cases(result), result.config.moments
    top = max(float(run.moved[list(cases.values()), DRAWN].max()) for run in shared)
    domain = FLOOR, max(3 * top, 5.0)
    moved = {m: clipped(result.at("moved", k)[DRAWN], *domain) for m, k in cases.items()}
    data = pd.DataFrame(
        {"series": meaning, "step": moments[m], "moved": values[m]}
        for meaning, values in moved.items()
        for m in range(1, len(moments))
    )
    x = (
        alt.X("step:Q")
        .scale(domain=[0, moments[-1]], nice=False)
        .axis(tickCount=4, grid=False)
        .title("steps")
    )
    y = (
        alt.Y("moved:Q")
        .scale(type="log", domain=domain, nice=False)
        .axis(
            **worded({1: "100%", 0.1: "10%", 0.01: "1%", 0.001: "0.1%"}), domain=False, ticks=False
        )
        .title("change of the outputs per epoch (log)")
    )
    ends = {
        meaning: (
            moments[-1],
            float(values[-1]),
            f"{_name(cases[meaning])} {percent(values[-1])}",
        )
        for meaning, values in moved.items()
    }
    middle = 0.55 * moments[-1]
    tooltip = [alt.Tooltip("step:Q"), alt.Tooltip("moved:Q", format=".2g")]
    chart = layers(
        curves(data, x=x, y=y, points=True, tooltip=tooltip),
        rule("", y=EARLY),
        rule("", y=SETTLED),
        remark("early: above a fifth", middle, EARLY * 2),
        remark("middle", middle, (EARLY * SETTLED) ** 0.5),
        remark("settled: below a twentieth", 0.02 * moments[-1], FLOOR * 2.5),
        line_ends(ends, domain=domain, log=True),
    )
    return Picture(chart, "Change of a layer's outputs per epoch over training")


def units(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw which units are above 0 on which digits in the end; a unit without a mark is off."""
    layer, cases = result.config.layer - 1, _cases(result)
    columns = Columns(list(cases), 0, EXAMPLES, gap=0.2)
    rows: list[Row] = []
    told: list[Row] = []
    for meaning, kind in cases.items():
        shift = columns.shift(meaning)
        rows += [
            {"x": x + shift, "x2": x + shift + 0.8, "y": y, "y2": y + 0.8, "series": meaning}
            for y, x in zip(*map(np.ndarray.tolist, np.nonzero(result.active[kind, layer])))
        ]
        silent = result.silent[kind, layer]
        told += [
            {"x": EXAMPLES + shift, "y": y + 0.4, "text": "◂", "series": meaning}
            for y in np.flatnonzero(silent).tolist()
        ]
        told.append(
            {
                "x": EXAMPLES / 2 + shift,
                "y": UNITS + 1.6,
                "text": f"{silent.sum()} of {UNITS} units dead{' ◂' if silent.any() else ''}",
                "series": meaning,
            }
        )
    x = columns.x(title=f"{EXAMPLES} digits across, {UNITS} units down; a mark: above 0", ticks={})
    y = alt.Y("y:Q").scale(domain=[UNITS + 2.5, -7.5], nice=False).axis(None)
    marks = alt.Chart(pd.DataFrame(rows, columns=["x", "x2", "y", "y2", "series"])).mark_rect()
    outline = alt.Chart(columns.frames(0, UNITS)).mark_rect(filled=False, stroke=colour("context"))
    chart = layers(
        outline.encode(x, y, alt.X2("x2"), alt.Y2("y2")),
        marks.encode(alt.X("x:Q"), alt.Y("y:Q"), alt.X2("x2"), alt.Y2("y2"), by_meaning(cases)),
        texts(told, fontWeight="bold"),
        _heads(result, columns, lambda share: share * (UNITS + 10) - 7.5),
    )
    return Picture(chart, "Which units are above 0 on which digits")


VIEWS = {"ridges": ridges, "bands": bands, "movement": movement, "units": units}
SETTING = setting
