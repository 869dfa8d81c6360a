"""Zero-centred inputs: typical walks in the plane of the weights, and what an offset does."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts.colours import by_meaning, colour
from core.charts.columns import Columns
from core.charts.curves import curves
from core.charts.marks import by_width, line_ends, remark, rule, texts
from core.charts.picture import Picture, frame, layers
from core.experiments.activations.zero_centering.experiment import (
    BATCHES,
    EXTREMES,
    GOALS,
    MEANS,
    POSITIVE_MEAN,
    RATES,
    Result,
    tables,
)
from core.lab.say import number, percent

W1 = -0.75, 2.35
WIDE = -2.75, 4.35  # of a plane as broad as the picture
BELOW, ABOVE = -2.05, 0.75  # where the goal is below the start; mirrored where it is above
NEAR = np.array([0.04, 0.14, 0.27])  # of the loss, around the goal: rings that leave room for words
LEVELS = np.array([0.05, 0.3, 0.8, 1.6, 2.8])  # of the loss, all over a plane
MOVES = "both up", "both down", "one each"  # of the colour table
DOES = dict(zip(MOVES, ("both up", "both down", "one up,\none down")))
NAMES = {"positive": "all-positive", "shifted": "shifted"}  # of the colour table
HEADS = "Single examples", "Batches of 64"
SEEN = 0.005  # the least share of steps that has an arrow


def _case(result: Result) -> str:
    return NAMES[result.config.inputs]


def _meanings(result: Result) -> dict[str, str]:
    """Return what the inputs of the tables are called in the colour table."""
    return {"zero-centred": "zero-centred", result.config.inputs: _case(result)}


def _title(result: Result, case: int) -> str:
    if case == 0:
        return "Zero-centred inputs"
    if result.config.inputs == "positive":
        return "All-positive inputs"
    return f"Inputs with mean {number(result.config.mean)}"


def _heights(shared: Sequence[Result]) -> tuple[float, float]:
    """Return the axis of weight 2 that has room for all goals."""
    goals = {result.config.goal for result in shared}
    low = BELOW if "opposite" in goals else -ABOVE
    return low, -BELOW if "same" in goals else ABOVE


def _planes(result: Result) -> Columns:
    return Columns(("zero-centred", _case(result)), W1[0], W1[1], gap=0.06)


def paths(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw a typical walk with either inputs, each step coloured by what it does to the weights."""
    size = BATCHES.index(result.config.batch_size)
    planes, heights = _planes(result), _heights(shared)
    heads = {
        case: f"{_title(result, i)}\n{_length(result, size, i)}"
        for i, case in enumerate(planes.cases)
    }
    chart = layers(
        _ground(result, planes, heights, NEAR),
        _steps(result, planes, size, heights),
        _places(result, planes),
        _compass(result, planes, size),
        _reason(result, planes),
        planes.heads(heads, heights[1]),
    )
    return Picture(chart, "Walks of two weights to their goal, with either inputs side by side")


def setting(result: Result) -> Picture:
    """Draw start, goal and the loss of the chosen inputs, without a walk."""
    planes, heights = Columns((_case(result),), WIDE[0], WIDE[1]), _heights([result])
    chart = layers(
        _ground(result, planes, heights, LEVELS),
        _places(result, planes),
        planes.heads({_case(result): _title(result, 1)}, heights[1]),
    )
    return Picture(chart, "Start and goal of two weights over rings of equal loss")


def _length(result: Result, size: int, case: int) -> str:
    """Say how long the walks are, as the heading does."""
    middle = np.median(result.ratio[size, case])
    if not np.isfinite(middle):
        return "most get lost"
    return f"{f'{middle:.2f}' if size else number(middle)} × the straight way"


def _reason(result: Result, planes: Columns) -> Any:
    """Say at the chosen walk, on the start's other side, why its steps go as they do."""
    config = result.config
    if config.inputs == "shifted" and config.mean == 0:
        why = "gradient = error × input:\ninputs of both signs, every direction"
    elif config.batch_size > 1:
        why = "a batch adds up examples\nthat pull in different ways"
    elif config.inputs == "shifted":
        why = "gradient = error × input: the larger\nthe mean, the more often signs agree"
    else:
        why = "gradient = error × input: positive\ninputs move both weights the same way"
    side = np.sign(GOALS[config.goal][1])
    return remark(why, planes.end, -0.42 * side, align="right")


def _ground(
    result: Result, planes: Columns, heights: tuple[float, float], levels: np.ndarray
) -> Any:
    """Draw axes, rings of equal loss and the straight way."""
    ticks = range(int(planes.low), int(planes.high) + 1)
    x = planes.x(title="weight 1", ticks={tick: str(tick).replace("-", "−") for tick in ticks})
    y = (
        alt.Y("y:Q")
        .scale(domain=heights, nice=False, zero=False)
        .axis(values=[-2, -1, 0, 1, 2], format="d", grid=False, domain=False, ticks=False)
        .title("weight 2")
    )
    # The only case of a setting is the chosen one.
    curvatures = result.curvature[-len(planes.cases) :]
    rings = pd.concat(
        [
            _rings(result, curvature, levels, (planes.low, planes.high), heights).assign(case=case)
            for case, curvature in zip(planes.cases, curvatures)
        ]
    )
    goal = GOALS[result.config.goal]
    way = frame(
        {"x": [0, goal[0]] * len(planes.cases), "y": [0, goal[1]] * len(planes.cases)},
        case=np.repeat(planes.cases, 2),
    )
    base = alt.Chart(planes.shifted(rings, "x")).encode(x, y)
    return alt.layer(
        base.mark_line(color=colour("grid"), strokeWidth=1.5).encode(
            alt.Order("turn:Q"), detail=[alt.Detail("case:N"), alt.Detail("level:N")]
        ),
        alt.Chart(planes.shifted(way, "x"))
        .mark_line(color=colour("soft"), strokeDash=[6, 5], strokeWidth=2)
        .encode(alt.X("x:Q"), alt.Y("y:Q"), alt.Detail("case:N")),
        remark("rings: equal loss", W1[1], 0.13 * np.sign(goal[1]), align="right"),
    )


def _rings(
    result: Result,
    curvature: np.ndarray,
    levels: np.ndarray,
    widths: tuple[float, float],
    heights: tuple[float, float],
) -> pd.DataFrame:
    """Return the ellipses of equal loss around the goal, broken where they leave the plane."""
    values, vectors = np.linalg.eigh(curvature)
    turn = np.linspace(0, 2 * np.pi, 61)
    circle = np.stack([np.cos(turn), np.sin(turn)])
    around = vectors @ (circle / np.sqrt(values)[:, None])
    x, y = np.array(GOALS[result.config.goal])[:, None, None] + (
        np.sqrt(2 * levels)[:, None] * around[:, None]
    )
    inside = (x > widths[0]) & (x < widths[1]) & (y > heights[0]) & (y < heights[1])
    return frame(
        {
            "x": np.where(inside, x, np.nan).ravel(),
            "y": np.where(inside, y, np.nan).ravel(),
            "level": np.repeat(levels, len(turn)),
            "turn": np.tile(turn, len(levels)),
        }
    )


def _steps(result: Result, planes: Columns, size: int, heights: tuple[float, float]) -> Any:
    """Draw the steps of the typical walks that stay inside the planes."""
    walks = []
    for case, path in zip(planes.cases, result.path[size]):
        step = np.diff(path, axis=0)
        kind = np.where((step > 0).all(axis=-1), 0, np.where((step < 0).all(axis=-1), 1, 2))
        x, y = path.T
        inside = (x > W1[0]) & (x < W1[1]) & (y > heights[0]) & (y < heights[1])
        columns = {"x": x[:-1], "x2": x[1:], "y": y[:-1], "y2": y[1:]}
        columns |= {"series": np.array(MOVES)[kind], "step": np.arange(1, len(path))}
        walks.append(frame(columns, case=case)[step.any(axis=-1) & inside[:-1] & inside[1:]])
    data = planes.shifted(pd.concat(walks), "x", "x2")
    return (
        alt.Chart(data)
        .mark_rule(strokeWidth=3, strokeCap="round")
        .encode(
            alt.X("x:Q"),
            alt.X2("x2"),
            alt.Y("y:Q"),
            alt.Y2("y2"),
            by_meaning(MOVES),
            tooltip=[alt.Tooltip("step:Q"), alt.Tooltip("series:N", title="weights")],
        )
    )


def _places(result: Result, planes: Columns) -> Any:
    """Mark and name start, goal and the straight way in every plane."""
    goal = GOALS[result.config.goal]
    side = np.sign(goal[1])  # the goal's name stands beyond it
    points, beside, beyond = [], [], []
    for case in planes.cases:
        right = planes.shift(case)
        points += [(right, 0.0, "start"), (goal[0] + right, goal[1], "goal")]
        beside += [(right - 0.1, 0.12 * side, "start")]
        beside += [(right + 0.45, 0.66 * side, "straight way")]
        beyond += [(goal[0] + right, goal[1] + 0.17 * side, "goal")]
    shape = alt.Scale(domain=["start", "goal"], range=["circle", "diamond"])
    marks = alt.Chart(pd.DataFrame(points, columns=["x", "y", "end"]))
    return alt.layer(
        marks.mark_point(size=140, filled=True, color=colour("ink"), opacity=1).encode(
            alt.X("x:Q"), alt.Y("y:Q"), shape=alt.Shape("end:N").scale(shape).legend(None)
        ),
        texts(_written(beside, "ink"), align="right"),
        texts(_written(beyond, "ink")),
    )


def _written(places: Sequence[tuple[float, float, str]], series: str) -> list[dict[str, Any]]:
    """Return rows for texts() from x, y and text."""
    return [{"x": x, "y": y, "text": text, "series": series} for x, y, text in places]


def _compass(result: Result, planes: Columns, size: int) -> Any:
    """Draw the ways in which steps go, an arrow each, with the share of steps that go there."""
    up = result.config.goal == "same"
    middle = -0.2, 1.3 if up else -1.5
    ways = {"both up": [(1, 1)], "both down": [(-1, -1)], "one each": [(1, -1), (-1, 1)]}
    rows, words, large = [], [], []
    for case, shares in zip(planes.cases, result.moves[size]):
        for (kind, arrows), share in zip(ways.items(), shares):
            for right, above in arrows if share > SEEN else []:
                x2, y2 = middle[0] + 0.3 * right, middle[1] + 0.3 * above
                turn = {(1, 1): 45, (1, -1): 135, (-1, -1): 225, (-1, 1): 315}[right, above]
                rows.append((*middle, x2, y2, turn, kind, case))
        said = zip(ways, _of_a_hundred(shares))
        counts = {way: f"{count}%" for way, count in said}
        labels = {way: f"{DOES[way]} {counts[way]}" for way in ("both up", "both down")}
        left, beside = W1[0] + 0.03, middle[0] + 0.36
        words += [(left, middle[1] + 0.65, "of all steps:", "soft", case)]
        words += [(left, middle[1] + 0.45, labels["both up"], "both up", case)]
        words += [(left, middle[1] - 0.45, labels["both down"], "both down", case)]
        words += [(beside, middle[1] + 0.24, DOES["one each"], "one each", case)]
        large.append((beside, middle[1] - 0.24, counts["one each"], "one each", case))
    data = pd.DataFrame(rows, columns=["x", "y", "x2", "y2", "turn", "series", "case"])
    data = planes.shifted(data, "x", "x2")
    shafts = (
        alt.Chart(data)
        .mark_rule(strokeWidth=3)
        .encode(alt.X("x:Q"), alt.Y("y:Q"), alt.X2("x2"), alt.Y2("y2"))
    )
    heads = (
        alt.Chart(data)
        .mark_point(shape="triangle", size=110, filled=True, opacity=1)
        .encode(alt.X("x2:Q"), alt.Y("y2:Q"), angle=alt.Angle("turn:Q").scale(None))
    )
    names, large_ones = (
        planes.shifted(pd.DataFrame(part, columns=["x", "y", "text", "series", "case"]), "x")
        for part in (words, large)
    )
    colours = by_meaning([*MOVES, "soft"])
    return alt.layer(
        shafts.encode(color=colours),
        heads.encode(color=colours),
        by_width(
            names.assign(short=names["text"].str.replace("one", "1")).to_dict("records"),
            fontWeight="bold",
        ),
        texts(large_ones.to_dict("records"), align="left", style="large"),
    )


def _of_a_hundred(shares: np.ndarray) -> np.ndarray:
    """Round shares to whole percents that add up to 100: the largest remainders are rounded up."""
    counts = np.floor(100 * shares).astype(int)
    order = np.argsort(counts - 100 * shares, kind="stable")
    counts[order[: 100 - counts.sum()]] += 1
    return counts


def rates(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw steps against the learning rate, for single examples and for batches of 64."""
    planes = Columns(HEADS, float(np.log10(RATES[0])), float(np.log10(RATES[-1])), gap=0.12)
    data = frame(tables(result)["rates"])
    data = data[np.isfinite(data["steps"])].assign(
        x=lambda d: np.log10(d["rate"]),
        case=lambda d: d["batch_size"].map(dict(zip(EXTREMES, HEADS))),
        series=lambda d: d["inputs"].map(_meanings(result)),
        line=lambda d: d["batch_size"].astype(str) + d["inputs"],
    )
    ticks = {float(np.log10(rate)): f"{rate:g}" for rate in (0.02, 0.1, 0.5)}
    steps = (
        alt.Y("steps:Q")
        .scale(type="log", domain=[1, 300], nice=False)
        .axis(values=[1, 3, 10, 30, 100, 300], format="d", domain=False, ticks=False)
        .title("steps to the goal (log)")
    )
    chart = layers(
        curves(
            planes.shifted(data, "x"),
            x=planes.x(title="learning rate (log)", ticks=ticks),
            y=steps,
            points=True,
            tooltip=[
                alt.Tooltip("inputs:N"),
                alt.Tooltip("rate:Q", format=".3f"),
                alt.Tooltip("steps:Q"),
            ],
        ),
        _best_points(result, planes),
        texts(_best_in_words(result, planes), align="left", fontWeight="bold"),
        remark("beyond a line's end:\nwalks get lost", planes.low + 0.6, 190),
    )
    return Picture(chart, "Steps by learning rate, of single examples and of batches side by side")


def _best_in_words(result: Result, planes: Columns) -> list[dict[str, Any]]:
    """Head each column, and say below its curves how many steps the best rates take."""
    rows = []
    for head, medians in zip(HEADS, np.median(result.at_best, axis=-1)):
        left = planes.low + planes.shift(head)
        rows += _written([(left, 380, head)], "ink")
        for case, (middle, y) in enumerate(zip(medians, (3.8, 1.6))):
            said = f"best: {number(middle)} steps" if np.isfinite(middle) else "get lost"
            series = list(_meanings(result).values())[case]
            rows += _written([(left, y, f"{series}\n{said}")], series)
    return rows


def _best_points(result: Result, planes: Columns) -> Any:
    """Mark the best rate on every line."""
    rows = []
    for head, cases in zip(HEADS, result.by_rate):
        for series, steps in zip(_meanings(result).values(), cases):
            at = steps.argmin()
            if np.isfinite(steps[at]):
                x = float(np.log10(RATES[at])) + planes.shift(head)
                rows.append({"x": x, "y": steps[at], "series": series})
    data = pd.DataFrame(rows, columns=["x", "y", "series"])
    points = alt.Chart(data).mark_point(size=260)
    return points.encode(alt.X("x:Q"), alt.Y("y:Q"), by_meaning(_meanings(result).values()))


def batches(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw path lengths against the batch size, with the share of steps that go one of two ways."""
    data = frame(tables(result)["batches"])
    data = data.assign(series=data["inputs"].map(_meanings(result)))
    data = data[np.isfinite(data["ratio"])]
    highest = max(2.5, *(_highest(each) * 1.1 for each in shared))
    x = (
        alt.X("batch_size:Q")
        .scale(type="log", base=2, domain=[0.8, 64], nice=False)
        .axis(values=list(BATCHES), format="d", grid=False)
        .title("examples in a batch")
    )
    y = alt.Y("ratio:Q").scale(domain=[0.9, highest], nice=False).axis(tickCount=5)
    y = y.title("path length over the straight way")
    ends = {
        row.series: (64, row.ratio, f"{_title(result, i)} {row.ratio:.2f}")
        for i, row in enumerate(data[data["batch_size"] == 64].itertuples(index=False))
    }
    chosen = data[data["inputs"] == result.config.inputs]
    shares = [
        {"x": size, "y": ratio, "text": percent(share), "series": _case(result)}
        for size, ratio, share in zip(chosen["batch_size"], chosen["ratio"], chosen["same way"])
    ]
    top = 0.9 + 0.9 * (highest - 0.9)
    chart = layers(
        curves(data, x=x, y=y, points=True),
        line_ends(ends, domain=(0.9, highest)) if ends else None,
        *(
            texts([row], align="right" if row["x"] == 64 else "left", dx=5, dy=-15)
            for row in shares
        ),
        remark("%: steps that move both weights up or both down", 2.5, top),
    )
    return Picture(chart, "Path length by batch size, with either inputs")


def _highest(result: Result) -> float:
    middles = np.median(result.ratio, axis=-1)
    return float(middles[np.isfinite(middles)].max(initial=1))


def signs(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the share of single examples whose gradient has one sign against the inputs' mean."""
    data = frame(tables(result)["signs"], series="shifted")
    x = (
        alt.X("mean:Q")
        .scale(domain=[0, 2], nice=False)
        .axis(values=[0, 0.5, 1, 1.5, 2], grid=False)
        .title("mean of the inputs (their std is 1)")
    )
    y = (
        alt.Y("share:Q")
        .scale(domain=[0.4, 1.05], nice=False, zero=False)
        .axis(values=[0.5, 0.75, 1], format=".0%")
        .title("gradients with one sign on both weights")
    )
    middle = len(data) // 2
    named = [
        {"x": 0.04, "y": 0.57, "text": f"zero-centred {percent(data['share'][0])}"}
        | {"series": "zero-centred"},
        # By construction; the finding checks it.
        {"x": POSITIVE_MEAN - 0.05, "y": 1.0, "text": "all positive 100%"}
        | {"series": "all-positive", "right": True},
        {"x": MEANS[middle] + 0.08, "y": data["share"][middle] - 0.02}
        | {"text": f"shifted by 1: {percent(data['share'][middle])}", "series": "shifted"},
    ]
    points = pd.DataFrame(
        [
            {"x": 0.0, "y": data["share"][0], "series": "zero-centred"},
            {"x": POSITIVE_MEAN, "y": 1.0, "series": "all-positive"},
        ]
    )
    chart = layers(
        rule("chance: two coins agree", y=0.5, at=1.35),
        curves(
            data, x=x, y=y, points=True, tooltip=[alt.Tooltip("mean:Q"), alt.Tooltip("share:Q")]
        ),
        alt.Chart(points)
        .mark_point(size=140)
        .encode(alt.X("x:Q"), alt.Y("y:Q"), by_meaning(points["series"])),
        *(
            texts([row], align="right" if "right" in row else "left", fontWeight="bold")
            for row in named
        ),
    )
    return Picture(chart, "Share of gradients with one sign by mean of the inputs")


def patterns(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw how many sign patterns single examples' gradients have, by number of weights."""
    data = frame(tables(result)["patterns"])
    data = data.assign(series=data["inputs"].map(_meanings(result)))
    x = (
        alt.X("weights:Q")
        .scale(domain=[2, 10], nice=False)
        .axis(values=[2, 4, 6, 8, 10], format="d", grid=False)
        .title("weights of the unit")
    )
    y = (
        alt.Y("patterns:Q")
        .scale(type="log", base=2, domain=[1, 2000], nice=False)
        .axis(values=[2, 8, 32, 128, 512], format="d")
        .title("directions of a step (log)")
    )
    last = data[data["weights"] == 10]
    ends = {
        row.series: (10, row.patterns, f"{_title(result, i)}: {row.patterns:,}")
        for i, row in enumerate(last.itertuples(index=False))
    }
    chart = layers(
        curves(
            data,
            x=x,
            y=y,
            points=True,
            tooltip=[alt.Tooltip("weights:Q"), alt.Tooltip("patterns:Q")],
        ),
        line_ends(ends, domain=(1, 2000), log=True),
        remark("every weight up or down:\n2 · 2 · 2 ... directions", 2.3, 512),
        remark("all up, or all down", 5, 3),
    )
    return Picture(chart, "Sign patterns of single examples' gradients by number of weights")


VIEWS = {
    "paths": paths,
    "rates": rates,
    "batches": batches,
    "signs": signs,
    "patterns": patterns,
}
SETTING = setting
