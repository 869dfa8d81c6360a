"""Gallery: slopes and functions with what they are at the probe, and their properties."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts.colours import by_meaning
from core.charts.curves import curves
from core.charts.marks import at_position, line_ends, read_ends, remark, rule, texts
from core.charts.picture import Picture, frame, layers
from core.experiments.activations.gallery.experiment import (
    LINE,
    STEP,
    Result,
    function_of,
    probe,
    tables,
)
from core.lab.say import number
from core.lab.words import name_of

NEAR = 5.0  # inputs drawn on each side while the probe is among them
DASHED = ("leaky_relu", "selu", "silu")  # told from ReLU, ELU and GELU where they coincide
FLOOR, TOP = -1.3, 3.0  # of the drawn outputs, while the probe's are among them
TICKS = 5
POINTS = 181  # of a drawn curve: tanh's slope is round at its peak

AROUND = 2.5  # inputs on each side of the probe in the sketches of functions
SKETCHES = 0.72, 0.45  # where they stand, of the picture's height
SKETCH_WIDTH, SKETCH_HEIGHT = 0.12, 0.1  # half of it, of the reach and of the picture's height
SMALL_SLOPE = 0.15

Array = np.ndarray
Domain = tuple[float, float]


def slopes(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw every slope, read off at the probe."""
    _, now = probe(result.config)
    drawn = np.concatenate([frame(tables(r)["curves"])["slope"] for r in shared])
    domain = min(0.0, drawn.min()) - 0.04, max(1.0, drawn.max()) + 0.04
    upstream = result.config.upstream
    read = {name: _exact(slope) for name, slope in zip(result.config.functions, now.tolist())}
    if upstream != 1:
        passed = (upstream * now).tolist()
        read = {
            n: f"{t} · {number(upstream)} = {number(p)}" for (n, t), p in zip(read.items(), passed)
        }
    title = "slope: share of the gradient that passes"
    chart = _curves(result, shared, "slope", domain, title, dict(zip(read, now.tolist())), read)
    chart = layers(chart, _sketches(result, now, shared, domain))
    return Picture(chart, "Slopes of the functions by input, read off at one input")


def _exact(slope: float) -> str:
    """Write a slope with at most three decimals, all slopes alike."""
    return number(slope) if 0 < abs(slope) < 0.001 else f"{slope:.3f}".rstrip("0").rstrip(".")


def _sketches(result: Result, now: Array, shared: Sequence[Result], domain: Domain) -> Any:
    """Draw the functions with the most and the least slope themselves, around the probe."""
    config, reach = result.config, _reach(shared)
    middle = (-0.84 if config.x >= 0 else 0.56) * reach  # on the side away from the probe
    found = list(dict.fromkeys([int(np.abs(now).argmax()), int(np.abs(now).argmin())]))
    lines, words = [], []
    dots: list[dict[str, Any]] = []
    for which, place in zip(found, SKETCHES):
        name, y = config.functions[which], float(at_position(place, domain))
        x = np.linspace(-AROUND, AROUND, 49)
        at = function_of(name, config).value(np.append(config.x + x, config.x))
        height = (at[:-1] - at[-1]) / AROUND * SKETCH_HEIGHT * (domain[1] - domain[0])
        lines.append(
            frame(
                {
                    "x": middle + x / AROUND * SKETCH_WIDTH * reach,
                    "y": y + height,
                    "order": x,
                },
                series=name,
            )
        )
        dots.append({"x": middle, "y": y, "series": name})
        text = f"{name_of(name)}:\n{_steepness(abs(now[which]))}"
        words.append({**dots[-1], "x": middle + 0.16 * reach, "text": text})
    base = alt.Chart(pd.concat(lines)).encode(alt.X("x:Q"), alt.Y("y:Q"))
    colours = by_meaning([dot["series"] for dot in dots])
    head = f"functions\nat x = {number(config.x)}"
    return layers(
        base.mark_line(strokeWidth=2.5).encode(
            alt.Order("order:Q"), alt.Detail("series:N"), color=colours
        ),
        alt.Chart(pd.DataFrame(dots))
        .mark_point(size=90, filled=True, opacity=1)
        .encode(alt.X("x:Q"), alt.Y("y:Q"), color=colours),
        texts(words, align="left", fontWeight="bold"),
        remark(head, middle - SKETCH_WIDTH * reach, float(at_position(0.93, domain))),
    )


def _steepness(slope: float) -> str:
    """Say how steep a function is."""
    if slope < 0.001:
        return "flat"
    return "nearly\nflat" if slope < SMALL_SLOPE else "rising" if slope < 0.5 else "steep"


def _reach(shared: Sequence[Result]) -> float:
    """Return how far the inputs are drawn on each side."""
    return NEAR if all(abs(r.config.x) < NEAR for r in shared) else float(LINE[-1])


def values(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw every function, read off at the probe."""
    outputs, _ = probe(result.config)
    at_probes = np.concatenate([probe(r.config)[0] for r in shared])
    domain = min(FLOOR, at_probes.min() - 0.3), max(TOP, at_probes.max() + 0.3)
    at = dict(zip(result.config.functions, outputs.tolist()))
    read = {name: number(output) for name, output in at.items()}
    chart = _curves(result, shared, "value", domain, "output", at, read)
    return Picture(chart, "The functions by input, read off at one input")


def _curves(
    result: Result,
    shared: Sequence[Result],
    field: str,
    domain: Domain,
    title: str,
    at: Mapping[str, float],
    read: Mapping[str, str],
) -> Any:
    """Draw curves inside the domain, a dot on each at the probe, and what is read off there.

    at: function -> height of its dot; read: function -> its number in words.
    """
    reach = _reach(shared)
    x, data = result.config.x, _data(result, field, reach, domain)
    dots = pd.DataFrame({"x": x, "x2": reach, field: at.values(), "series": at.keys()})
    base = alt.Chart(dots).encode(alt.X("x:Q"), alt.Y(f"{field}:Q"))
    colours = by_meaning(at)
    ends = {name: (reach, y, f"{name_of(name)} {read[name]}") for name, y in at.items()}
    return layers(
        curves(
            data,
            x=alt.X("x:Q")
            .scale(domain=[-reach, reach], nice=False)
            .axis(grid=False, tickCount=TICKS)
            .title("input x of the unit"),
            y=alt.Y(f"{field}:Q")
            .scale(domain=domain, nice=False, zero=False)
            .axis(domain=False, ticks=False, tickCount=TICKS)
            .title(title),
            dashed=[name for name in at if name in DASHED],
            tooltip=[
                alt.Tooltip("name:N", title="function"),
                alt.Tooltip("x:Q", format=".2f"),
                alt.Tooltip(f"{field}:Q", format=".3g"),
            ],
        ),
        rule(f"x = {number(x)}", x=x, at=domain[1] - 0.09 * (domain[1] - domain[0])),
        base.mark_rule(strokeDash=[1, 4]).encode(alt.X2("x2"), color=colours),
        base.mark_point(size=130).encode(color=colours),
        read_ends(ends, domain=domain),
    )


def _data(result: Result, field: str, reach: float, domain: Domain) -> pd.DataFrame:
    """Return what is drawn of one quantity: the part inside the axes."""
    x = np.sort(np.append(np.linspace(-reach, reach, POINTS), [-STEP, STEP]))
    parts = []
    for name in result.config.functions:
        function = function_of(name, result.config)
        y = function.value(x) if field == "value" else function.derivative(x)
        parts.append(frame({"x": x, field: y}, function=name, series=name, line=name))
    data = pd.concat(parts, ignore_index=True)
    return data[data[field].between(*domain)].assign(name=data["function"].map(name_of))


def properties(result: Result, shared: Sequence[Result]) -> Picture:
    """Write the computed properties as a table."""
    rows = frame(tables(result)["properties"])
    cells = []
    for row in rows.itertuples(index=False):
        _, low, high, _, centred, flat, dies, _, exponentials = row
        side = flat.replace("left and right", "both")
        yes = ("yes" if is_so else "–" for is_so in (centred, dies, exponentials > 0))
        cells.append((f"{_end(low)} to {_end(high)}", side, *yes))
    heads = ("range", "flat side", "mean 0", "can die", "exp()")
    grid = [
        {"x": column + 1, "y": -line, "text": text, "series": "ink" if line >= 0 else "soft"}
        for line, row in enumerate([heads, *cells], -1)
        for column, text in enumerate(row)
    ]
    names = [
        {"x": -0.8, "y": -line, "text": name_of(name), "series": name}
        for line, name in enumerate(rows["function"])
    ]
    across = alt.X("x:Q").axis(None).scale(domain=[-0.8, len(heads) + 0.5], nice=False)
    up = alt.Y("y:Q").axis(None).scale(domain=[0.5 - len(cells), 1.5], nice=False)
    chart = layers(texts(grid).encode(across, up), texts(names, align="left", fontWeight="bold"))
    return Picture(chart, "Properties of the functions, computed from the functions themselves")


def _end(value: float) -> str:
    """Write one end of a range."""
    return ("∞" if value > 0 else "−∞") if np.isinf(value) else number(round(value, 6))


def setting(result: Result) -> Picture:
    """Draw the functions themselves, which do not tell their slopes in numbers."""
    names = result.config.functions
    shown = _data(result, "value", NEAR, (FLOOR, TOP))
    last = shown.groupby("function").last()
    ends = {n: (float(last["x"][n]), float(last["value"][n]), name_of(n)) for n in names}
    chart = layers(
        curves(
            shown,
            x=alt.X("x:Q").axis(grid=False, tickCount=TICKS).title("input x of the unit"),
            y=alt.Y("value:Q").axis(domain=False, ticks=False, tickCount=TICKS).title("output"),
            dashed=[name for name in names if name in DASHED],
        ),
        rule("x = 2", x=result.config.x, at=-1.0),
        line_ends(ends, domain=(FLOOR, TOP)),
    )
    return Picture(chart, "The functions by input")


VIEWS = {"slopes": slopes, "values": values, "properties": properties}
SETTING = setting
