"""Coarse to fine: the trials of every stage, the next range drawn in; and what 5 epochs knew."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts.colours import by_meaning, colour
from core.charts.columns import Columns
from core.charts.marks import by_width, remark, texts, worded
from core.charts.picture import Pick, Picture, frame, layers, pointer_area
from core.experiments.hpo.coarse_to_fine.experiment import (
    EPOCHS,
    LONG,
    SHORT,
    STAGES,
    Result,
    Stage,
    rank_correlation,
    tables,
)
from core.lab.say import number, percent
from core.nn.search import Range

GOOD, HALF, ROUND = 0.9, 0.5, 0.05  # of the best accuracy: where colours change, as round shares
HEAD, FOOT = 0.46, 0.03  # of the tallest range: room above and below it
ROWS = (0.94, 0.67, 0.39, 0.12)  # of that above: key, typical trial, stage and reason
LEVELS = ("good", "other", "context", "bad")
EDGE = 0.05  # of a range: as near to its end as that is at the edge
TOOLTIP = [
    alt.Tooltip("val accuracy:Q", title="right on validation digits", format=".1%"),
    alt.Tooltip("learning rate:Q", format=".3g"),
    alt.Tooltip("reg:Q", format=".3g"),
]


def stages(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the trials of every stage side by side, each with the range that comes next."""
    names = STAGES[: 2 if result.config.source == "lecture" else result.config.stages]
    columns = Columns(names, 0, 1)
    ranges = np.concatenate([run.ranges[:, 1] for run in shared])
    tall = Range(float(np.nanmin(ranges)), float(np.nanmax(ranges)), log=True)
    picks: tuple[Pick, ...] = ()
    if len(names) > 1 and result.config.source == "ours":
        picks = (Pick("fine_learning_rates", "x", result.stages[0].rates), Pick("fine_regs", "y"))
    frames = _frames(result.stages, columns, tall)
    chart = layers(
        frames.add_params(pointer_area()) if picks else frames,
        _next(result.stages, columns),
        _dots(result, columns),
        *_heads(result, columns, tall),
        _key(result, columns, tall),
        *_why(result.stages[0], columns, tall),
        _notes(result, columns, tall),
    )
    return Picture(
        chart, "Trials by learning rate and reg, in a wide range and in a narrow one", picks
    )


def _ticks(low: float, high: float, most: int = 4) -> dict[float, str]:
    """Return a few round values of a log axis, as words."""
    powers = 10.0 ** np.arange(np.ceil(np.log10(low) - 1e-9), np.log10(high) + 1e-9)
    if len(powers) < 2:
        steps = np.outer(10.0 ** np.arange(np.floor(np.log10(low)), np.log10(high)), [1, 2, 5])
        powers = steps[(steps >= low) & (steps <= high)]
    if len(powers) < 2:
        powers = np.array([low, high])
    kept = powers[:: -(-len(powers) // most)]
    return {float(value): number(value) for value in kept}


def _across(stages: Sequence[Stage], columns: Columns) -> alt.X:
    """Return the axis of learning rates, each stage's own range from edge to edge of its column."""
    labels: dict[float, str] = {}
    for stage, name in zip(stages, columns.cases):
        ticks = _ticks(stage.rates.low, stage.rates.high)
        places = np.clip(stage.rates.position(np.array(list(ticks))), 0, 1) + columns.shift(name)
        labels |= dict(zip(places.tolist(), ticks.values()))
    return (
        alt.X("x:Q")
        .scale(domain=[0, columns.end], nice=False, zero=False)
        .axis(**worded(labels), grid=False, domain=False, ticks=True, labelOverlap=True)
        .title("learning rate (log, each frame its own)")
    )


def _up(tall: Range) -> alt.Y:
    """Return the axis of reg, which all stages share, with room for words at both ends."""
    return (
        alt.Y("y:Q")
        .scale(type="log", domain=[float(tall.at(-FOOT)), float(tall.at(1 + HEAD))], nice=False)
        .axis(**worded(_ticks(tall.low, tall.high)), grid=False, domain=False, ticks=True)
        .title("reg (log)")
    )


def _frames(stages: Sequence[Stage], columns: Columns, tall: Range) -> Any:
    """Draw the range of each stage as a frame."""
    rows = [
        {"x": columns.shift(name), "x2": columns.shift(name) + 1, "y": low, "y2": high}
        for name, (low, high) in zip(columns.cases, (stage.ranges[1] for stage in stages))
    ]
    return (
        alt.Chart(pd.DataFrame(rows))
        .mark_rect(fill=None, stroke=colour("context"))
        .encode(_across(stages, columns), _up(tall), alt.X2("x2"), alt.Y2("y2"))
    )


def _next(stages: Sequence[Stage], columns: Columns) -> Any:
    """Draw the range that follows a stage as a box, with lines to the frame that shows it.

    Of the last of several stages there is none: nothing searches it.
    """
    boxes, lines = [], []
    for index, (stage, name) in enumerate(zip(stages, columns.cases)):
        follows = index + 1 < len(stages)
        if index and not follows:
            break
        box = stages[index + 1].ranges if follows else stage.box
        left, right = np.clip(stage.rates.position(box[0]), 0, 1) + columns.shift(name)
        (low, high) = box[1]
        boxes.append({"x": left, "x2": right, "y": low, "y2": high})
        if follows:
            end = columns.shift(columns.cases[index + 1])
            lines += [{"x": right, "x2": end, "y": y} for y in (low, high)]
    drawn = [
        alt.Chart(pd.DataFrame(boxes))
        .mark_rect(fill=colour("good"), fillOpacity=0.1, stroke=colour("ink"), strokeWidth=2.5)
        .encode(alt.X("x:Q"), alt.X2("x2"), alt.Y("y:Q"), alt.Y2("y2"))
    ]
    if lines:
        drawn.append(
            alt.Chart(pd.DataFrame(lines))
            .mark_rule(strokeDash=[2, 4], color=colour("soft"))
            .encode(alt.X("x:Q"), alt.X2("x2"), alt.Y("y:Q"))
        )
    return layers(*drawn)


def _bars(result: Result) -> tuple[float, float]:
    """Return the accuracies at which colours change, round ones."""
    best = max(stage.accuracy[stage.best] for stage in result.stages)
    good, half = (ROUND * round(share * best / ROUND) for share in (GOOD, HALF))
    return good, half


def _dots(result: Result, columns: Columns) -> Any:
    """Draw every trial: coloured by its accuracy, a cross if it was given up.

    The best tenth of a stage is filled, its best one ringed.
    """
    data, (good, half) = frame(tables(result)["trials"]), _bars(result)
    data = data[data["stage"].isin(columns.cases)]
    levels = [data["given up"], data["val accuracy"] >= good, data["val accuracy"] >= half]
    ranges = dict(zip(columns.cases, (stage.rates for stage in result.stages)))
    places = [
        float(ranges[stage].position(rate))
        for stage, rate in zip(data["stage"], data["learning rate"])
    ]
    data = data.assign(
        x=places,
        y=data["reg"],
        series=np.select(levels, ["bad", "good", "other"], "context"),
    )
    data = columns.shifted(data, "x", case="stage")
    starts = [int(data.index[data["stage"] == name][0]) for name in ranges]
    top = np.concatenate([i + stage.top for i, stage in zip(starts, result.stages)])
    best = data.loc[[i + stage.best for i, stage in zip(starts, result.stages)]]
    data["top"] = data.index.isin(top)
    base = alt.Chart(data).encode(alt.X("x:Q"), alt.Y("y:Q"), by_meaning(LEVELS), tooltip=TOOLTIP)
    return layers(
        base.mark_point(size=60, filled=False, strokeWidth=2).transform_filter(
            "!datum.top && datum.series != 'bad'"
        ),
        base.mark_point(size=110, stroke=colour("ground"), strokeWidth=0.7).transform_filter(
            "datum.top && datum.series != 'bad'"
        ),
        _crosses(base),
        alt.Chart(best)
        .mark_point(size=280, filled=False, strokeWidth=3, color=colour("ink"))
        .encode(alt.X("x:Q"), alt.Y("y:Q"), tooltip=TOOLTIP),
    )


def _row(tall: Range, row: int) -> float:
    """Return where a row of words stands above the frames."""
    return float(tall.at(1 + HEAD * ROWS[row]))


def _heads(result: Result, columns: Columns, tall: Range) -> list[Any]:
    """Write over each stage how its typical trial fares, large, and how many trials it has."""
    large, small = [], []
    few = len(columns.cases) < len(STAGES)  # columns: there is room for words
    for index, (stage, name) in enumerate(zip(result.stages, columns.cases)):
        typical, best = percent(np.median(stage.accuracy)), percent(stage.accuracy[stage.best])
        at = {"x": columns.shift(name), "series": "ink"}
        title = name.capitalize()
        text = f"{title}: typical {'trial ' if few else ''}{typical}"
        short = f"typical {typical}" if few else typical
        large.append({**at, "y": _row(tall, 1), "text": text, "short": short})
        text = f"{len(stage.rate)} trials"
        if result.config.source == "ours":
            text += f", {EPOCHS[index]} epochs"
        text += f", ◯ {'best ' if few else ''}{best}"
        short = f"{title} ◯ {best}" if few else title
        small.append({**at, "y": _row(tall, 2), "text": text, "short": short})
    return [by_width(large, style="large"), by_width(small)]


def _notes(result: Result, columns: Columns, tall: Range) -> Any:
    """Say over later stages what as few epochs come to, and if the last best is at an edge."""
    few, rows = len(columns.cases) < len(STAGES), []
    for index, (stage, name) in enumerate(zip(result.stages, columns.cases)):
        said, short = [], ""
        if index and result.config.source == "ours":
            short = f"{SHORT} epochs: {percent(np.median(stage.early))}"
            said = [f"typical after {short}" if few else short]
        if index and index + 1 == len(result.stages) and _at_edge(stage):
            said.append("best at an edge" if few else "◯ at an edge")
        row = {"x": columns.shift(name), "y": _row(tall, 3), "series": "soft"}
        rows.append({**row, "text": "; ".join(said), "short": short})
    return by_width(rows, fontStyle="italic")


def _at_edge(stage: Stage) -> bool:
    """Tell whether the best trial of a stage lies at an edge of its ranges."""
    low, high = stage.ranges[1].tolist()
    places = (
        float(stage.rates.position(stage.rate[stage.best])),
        float(Range(low, high, log=True).position(stage.reg[stage.best])),
    )
    return any(min(place, 1 - place) < EDGE for place in places)


def _key(result: Result, columns: Columns, tall: Range) -> Any:
    """Say above everything what fillings and colours are."""
    config, (good, half) = result.config, map(percent, _bars(result))
    box = "" if config.fine_learning_rates or config.fine_regs else ": next range"
    if config.source == "lecture":
        box = ""
    words = [
        ("good", f"● best tenth{box}", "● best"),
        ("good", f"○ over {good} right", f"○ {good}"),
        ("other", f"○ over {half}", f"○ {half}"),
        ("context", "○ less", ""),
    ]
    if any(stage.abandoned.any() for stage in result.stages):
        words.append(("bad", "× given up: loss exploded", "× given up"))
    ends = np.cumsum([len(text) + 3 for _, text, _ in words])
    length = max(float(ends[-1]), 75)  # characters in the width of the picture
    rows = [
        {
            "x": columns.end * (end - len(text) - 3) / length,
            "y": _row(tall, 0),
            "text": text,
            "short": short,
            "series": name,
        }
        for (name, text, short), end in zip(words, ends)
    ]
    return by_width(rows, fontWeight="bold")


def _why(coarse: Stage, columns: Columns, tall: Range) -> list[Any]:
    """Say over the coarse frame what is wrong left and right of the good rates, where it is so."""
    y = _row(tall, 3)
    best = coarse.accuracy[coarse.best]
    below, above = (coarse.rate < coarse.box[0, 0]), (coarse.rate > coarse.box[0, 1])
    slow = below.sum() > 5 and np.median(coarse.accuracy[below]) < HALF * best
    burst = above.sum() > 5 and coarse.abandoned[above].mean() > 0.5
    left = {"x": 0, "y": y, "text": "too small: hardly learns", "short": "too small"}
    right = {"x": 1, "y": y, "text": "too large", "short": "too large"}
    style: dict[str, Any] = {"fontStyle": "italic"}
    return [
        by_width([{**left, "series": "soft"}], **style) if slow else None,
        by_width([{**right, "series": "soft"}], align="right", **style) if burst else None,
    ]


def order(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw each coarse trial's accuracy after a few epochs and after more, none given up."""
    coarse = result.stages[0]
    later = result.later[: len(coarse.rate)]
    top = coarse.order[: len(later) // 5]
    series = np.where(coarse.abandoned, "bad", "context")
    series[top] = "good"
    data = pd.DataFrame({"x": coarse.early, "y": later, "series": series}).dropna()
    shares = {value: percent(value) for value in (0.1, 0.5, 0.9)}
    axes = [
        channel.scale(domain=[0, 1.04], nice=False).axis(**worded(shares)).title(title)
        for channel, title in (
            (alt.X("x:Q"), f"right after {SHORT} epochs"),
            (alt.Y("y:Q"), f"right after {LONG} epochs, nobody given up"),
        )
    ]
    base = alt.Chart(data).encode(*axes, by_meaning(["context", "good", "bad"]))
    dots = layers(
        base.mark_point(size=80, stroke=colour("ground"), strokeWidth=0.7).transform_filter(
            "datum.series != 'bad'"
        ),
        _crosses(base),
    )
    diagonal = alt.Chart(pd.DataFrame({"x": [0, 1], "y": [0, 1]})).mark_line(
        color=colour("grid"), strokeDash=[5, 4]
    )
    said: Any = remark("not measured (yet)", 0.52, 0.6, align="center")
    if len(data):
        every = rank_correlation(coarse.early, later)
        best = rank_correlation(coarse.early[top], later[top])
        rows = [
            {
                "x": 0.98,
                "y": 0.3,
                "series": "ink",
                "text": f"order of all: rank correlation {number(every)}",
            },
            {
                "x": 0.98,
                "y": 0.21,
                "series": "good",
                "text": f"of the best {len(top)}: {number(best)}",
            },
            {"x": 0.98, "y": 0.12, "series": "bad", "text": "given up in the search"},
        ]
        said = texts(rows, align="right", fontWeight="bold")
    same = remark(f"no change after {SHORT} epochs", 0.33, 0.28)
    chart = layers(diagonal.encode(alt.X("x:Q"), alt.Y("y:Q")), dots, same, said)
    return Picture(chart, "Accuracy of the coarse trials after few epochs and after more")


def _crosses(base: Any) -> Any:
    """Draw what was given up."""
    mark = base.mark_point(shape="cross", angle=45, size=80, strokeWidth=0)
    return mark.transform_filter("datum.series == 'bad'")


VIEWS = {"stages": stages, "order": order}
