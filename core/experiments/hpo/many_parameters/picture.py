"""Many parameters: accuracy by the value of each, a line per trial, and what each explains."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts.colours import by_meaning, colour
from core.charts.columns import Columns
from core.charts.marks import by_width, on_phone, texts, worded
from core.charts.picture import Picture, frame, layers
from core.experiments.hpo.many_parameters.experiment import (
    BINS,
    LEARNING_RATES,
    PARAMETERS,
    RATED,
    STEP,
    Result,
    findings,
    tables,
    values_at,
)
from core.lab.say import number, percent, power_of_ten
from core.lab.words import name_of

HEADS = {  # in the picture, on two lines where they are long
    "learning_rate": "learning\nrate",
    "weight_scale": "weight\nscale",
    "hidden": "units",
    "momentum": "momentum",
    "decay": "rate\ndecay",
    "reg": "penalty\n(reg)",
    STEP: "rate /\n(1 − momentum)",
}
SHORT = {"learning_rate": "rate", "momentum": "momen-\ntum"}  # on a phone
FAILS = "rate too low: hardly learns; too high: explodes"
BEST = 0.1  # share of the trials that stand out
HALF = 0.5  # of the digits: trials with fewer right are bad
SEEN = {"bad": 0.25, "context": 0.4, "good": 0.9}  # opacity of a line
ENDS = -0.3, 1.7  # of the axis of accuracies: room for ranges below, for names and shares above
SPAN, NAMED, SHARES, NAMES = 1.06, 1.15, 1.32, 1.68  # heights of what is written above


def trials(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the accuracy of all trials by each parameter: which one sorts them?"""
    return Picture(
        _panels(result, PARAMETERS),
        "Accuracy of all trials by each of six parameters, the means of bins, and the best tenth",
    )


def together(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the accuracy of all trials by learning rate, momentum and what the two make together."""
    return Picture(
        _panels(result, ("learning_rate", "momentum", STEP)),
        "Accuracy of all trials by learning rate, by momentum and by both in one number",
    )


def lines(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw a line per trial from axis to axis, on to its accuracy: where do the best run?"""
    accuracy = result.accuracy[result.row]
    heights = np.column_stack([result.places, accuracy])
    across = np.arange(len(PARAMETERS) + 1)
    group = np.select([_best(accuracy), accuracy < HALF], ["good", "bad"], "context")
    data = pd.DataFrame(
        {
            "x": np.tile(across, len(heights)),
            "y": heights.ravel(),
            "trial": np.repeat(np.arange(len(heights)), len(across)),
            "series": np.repeat(group, len(across)),
        }
    )
    ends = _ends(result)
    labels = [[_short(float(ends[name][i])) for name in PARAMETERS] for i in (0, 1)]
    written = [
        {"x": x, "y": y, "text": text, "series": "soft"}
        for y, row, last in zip((-0.06, 1.12), labels, ("0%", "100%"))
        for x, text in enumerate([*row, last])
    ]
    names = [(HEADS[name], SHORT.get(name, "")) for name in PARAMETERS] + [("digits\nright", "")]
    heads = [
        {"x": x, "y": 1.42, "text": name, "short": short, "series": "ink"}
        for x, (name, short) in enumerate(names)
    ]
    y = alt.Y("y:Q").scale(domain=[-0.12, 1.44], nice=False).axis(None)
    x = alt.X("x:Q").scale(domain=[-0.5, len(across) - 0.5], nice=False)
    title = ["a line per trial; green: the best tenth", "red: under half of the digits right"]
    x = x.axis(values=[], domain=False, grid=False).title(title)
    axes = alt.Chart(pd.DataFrame({"x": across, "y": 0, "y2": 1}))
    chart = layers(
        axes.mark_rule(strokeWidth=1.5).encode(x, y, alt.Y2("y2")),
        *(
            alt.Chart(data[data["series"] == series])
            .mark_line(strokeWidth=1.8 if series == "good" else 1, opacity=opacity)
            .encode(x, y, by_meaning([series]), alt.Detail("trial:N"))
            for series, opacity in SEEN.items()
            if (group == series).any()
        ),
        _written(written),
        _written(heads),
    )
    return Picture(chart, "A line per trial across the values of all parameters to its accuracy")


def setting(result: Result) -> Picture:
    """Draw the parameters and the ranges that are searched, without any trial."""
    columns = Columns(PARAMETERS, 0, 1, gap=0.2)
    shares = [
        {"x": columns.shift(name) + 0.5, "y": SHARES, "text": "?", "series": "ink"}
        for name in PARAMETERS
    ]
    chart = layers(
        *_frames(result, columns, ["how much does each explain?"]),
        texts(shares, fontWeight="bold", style="head"),
    )
    return Picture(chart, "The parameters that are searched")


def _panels(result: Result, shown: Sequence[str]) -> Any:
    """Draw all trials once per parameter, with means of bins, where the best lie, and its share."""
    columns = Columns(shown, 0, 1, gap=0.2)
    accuracy = result.accuracy[result.row]
    best = _best(accuracy)
    places = {name: _places(result, name) for name in shown}
    least = float(findings(result)[0].values["bar"])
    rated = dict(zip(RATED, result.importance[result.row].tolist()))
    matters = {name: rated[name] > least for name in shown}
    dots = pd.concat(
        pd.DataFrame({"x": x, "y": accuracy, "case": name, "best": best})
        for name, x in places.items()
    )
    means = pd.concat(_means(x, accuracy).assign(case=name) for name, x in places.items())
    spans = pd.DataFrame(
        {"x": x[best].min(), "x2": x[best].max(), "y": SPAN, "case": name}
        for name, x in places.items()
        if name == "learning_rate"
    )
    shares = [
        {
            "x": columns.shift(name) + 0.5,
            "y": SHARES,
            "text": percent(round(rated[name], 2)),
            "series": "ink" if matters[name] else "soft",
        }
        for name in shown
    ]
    title = [
        "a dot per trial; bars: mean of each sixth of them",
        *([FAILS] if result.config.searched == "wide" else []),
        f"grey bars: could be chance (under {percent(least)})",
    ]
    base = alt.Chart(columns.shifted(dots, "x")).encode(alt.X("x:Q"), alt.Y("y:Q"))
    return layers(
        *_frames(result, columns, title),
        base.transform_filter("!datum.best").mark_point(
            size=16, opacity=0.45, color=colour("context")
        ),
        base.transform_filter("datum.best").mark_point(size=24, color=colour("good")),
        *(
            alt.Chart(columns.shifted(means[means["case"].map(matters) == matter], "x", "x2"))
            .mark_rule(strokeWidth=4, color=colour("val" if matter else "soft"))
            .encode(alt.X("x:Q"), alt.X2("x2"), alt.Y("y:Q"))
            for matter in sorted(set(matters.values()))
        ),
        alt.Chart(columns.shifted(spans, "x", "x2"))
        .mark_rule(strokeWidth=7, color=colour("good"))
        .encode(alt.X("x:Q"), alt.X2("x2"), alt.Y("y:Q")),
        by_width([_best_rates(result, best)], fontWeight="bold"),
        texts(shares, fontWeight="bold", style="head"),
    )


def _frames(result: Result, columns: Columns, title: list[str]) -> list[Any]:
    """Draw a ground per parameter, its name above and its range below."""
    values = _ends(result)
    y = (
        alt.Y("y:Q")
        .scale(domain=ENDS, nice=False)
        .axis(
            **worded({0: "0%", 0.5: "50%", 1: "100%", SHARES: "explains"}),
            grid=False,
            domain=False,
            ticks=False,
        )
        .title("digits right")
    )
    x = columns.x(title="", ticks={}).title(title)
    middles = {name: columns.shift(name) + 0.5 for name in columns.cases}
    ranges = [
        {
            "x": x,
            "y": -0.05,
            "text": "\nto ".join(_short(float(value)) for value in values[name]),
            "series": "soft",
        }
        for name, x in middles.items()
    ]
    names = [
        {
            "x": x,
            "y": NAMES,
            "text": HEADS[name],
            "short": SHORT.get(name, HEADS[name]),
            "series": "ink",
        }
        for name, x in middles.items()
    ]
    return [
        alt.Chart(columns.frames(0, 1))
        .mark_rect(opacity=0.35, color=colour("grid"))
        .encode(x, y, alt.X2("x2"), alt.Y2("y2")),
        _written(ranges),
        _written(names),
    ]


def _best(accuracy: np.ndarray) -> np.ndarray:
    """Return (trials,) True for the best tenth."""
    return np.asarray(accuracy >= np.sort(accuracy)[-round(BEST * len(accuracy))])


def _best_rates(result: Result, best: np.ndarray) -> dict[str, Any]:
    """Name the bar of the best trials: which learning rates they have."""
    rates = LEARNING_RATES[result.config.searched].at(_places(result, "learning_rate")[best])
    ends = f"{number(rates.min())} to {number(rates.max())}"
    row = {"x": 0, "y": NAMED, "series": "good"}
    return row | {"text": f"best tenth: {ends}", "short": ends}


def _places(result: Result, name: str) -> np.ndarray:
    """Return (trials,) where in its range each trial's value lies, 0 to 1."""
    if name != STEP:
        return np.asarray(result.places[:, PARAMETERS.index(name)])
    rates = LEARNING_RATES[result.config.searched]
    low, high = np.log(_ends(result)[STEP])
    return np.asarray((np.log(values_at(result.places, rates)[STEP]) - low) / (high - low))


def _ends(result: Result) -> dict[str, np.ndarray]:
    """Return the lowest and highest value that is possible, by what is RATED."""
    corners = np.repeat([[0.0], [1.0]], len(PARAMETERS), axis=1)
    return values_at(corners, LEARNING_RATES[result.config.searched])


def _written(rows: list[dict[str, Any]]) -> Any:
    """Write texts of several lines, the first one just below its place; short ones on a phone."""
    data = pd.DataFrame(rows)
    text = on_phone("datum.short || datum.text", "datum.text")
    base = alt.Chart(data).mark_text(baseline="top", lineBreak="\n", text=text)
    return base.encode(alt.X("x:Q"), alt.Y("y:Q"), by_meaning(data["series"]))


def _short(value: float) -> str:
    return power_of_ten(value) if 0 < value < 1e-4 else number(value)


def bars(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw a bar of the importance of every parameter, for both ranges of learning rates."""
    columns = Columns(tuple(LEARNING_RATES), 0, 1, gap=0.2)
    names = {-float(i): name_of(name) for i, name in enumerate(RATED)}
    data = frame(tables(result)["importance"]).assign(
        y=lambda d: [-float(RATED.index(name)) for name in d["parameter"]],
        x=0.0,
        case=lambda d: d["ranges"],
        series=lambda d: d["ranges"],
        said=lambda d: d["importance"].round(2).map(percent),
        low=lambda d: d["y"] - 0.3,
        high=lambda d: d["y"] + 0.3,
    )
    data = columns.shifted(data, "x", "importance", "chance")
    y = (
        alt.Y("low:Q")
        .scale(domain=[-len(RATED) + 0.4, 2.3], nice=False)
        .axis(**worded(names), grid=False, domain=False, ticks=False, labelColor=colour("ink"))
        .title(None)
    )
    x = columns.x("importance", title="share of the differences explained", ticks=TICKS)
    base = alt.Chart(data)
    in_colour = base.encode(by_meaning(data["series"]))
    chance = data.drop_duplicates("case").assign(top=0.5, bottom=0.4 - len(RATED))
    rows = [
        {"x": row.chance, "y": 0.75, "text": "by chance", "series": "soft"}
        for row in chance.itertuples()
    ]
    heads = {
        case: f"learning rate\n{number(r.low)} to {number(r.high)}"
        for case, r in LEARNING_RATES.items()
    }
    chart = layers(
        in_colour.mark_bar(cornerRadiusEnd=3).encode(x, y, alt.X2("x"), alt.Y2("high")),
        in_colour.mark_text(align="left", dx=6, fontWeight="bold").encode(
            x, alt.Y("y:Q").title(None), alt.Text("said:N")
        ),
        alt.Chart(chance)
        .mark_rule(strokeDash=[5, 4], color=colour("soft"))
        .encode(alt.X("chance:Q"), alt.Y("top:Q"), alt.Y2("bottom")),
        texts(rows, align="left"),
        columns.heads(heads, 1.75),
    )
    return Picture(chart, "How important each parameter is, with a wide and with a tuned range")


TICKS = {0: "0%", 0.5: "50%"}


def _means(place: np.ndarray, accuracy: np.ndarray) -> pd.DataFrame:
    """Return the mean accuracy of every bin and where it lies."""
    order = np.argsort(place, kind="stable")
    inside = place[order].reshape(BINS, -1)
    return pd.DataFrame(
        {
            "x": inside.min(axis=1),
            "x2": inside.max(axis=1),
            "y": accuracy[order].reshape(BINS, -1).mean(axis=1),
        }
    )


VIEWS = {"trials": trials, "lines": lines, "importance": bars, "together": together}
SETTING = setting
