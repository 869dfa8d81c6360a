"""Train vs test: how far the two modes are apart, how well they predict, one image's scores."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts.colours import colour
from core.charts.columns import Columns
from core.charts.curves import curves
from core.charts.marks import apart, at_position, position, remark, rule, texts, worded
from core.charts.picture import Picture, frame, layers
from core.experiments.batchnorm.train_vs_test.experiment import (
    EXAMPLE_SIZES,
    SIZES,
    Result,
    tables,
)
from core.lab.say import percent

ALONE = "alone, an image minus\nits own mean is 0:\nall images get\nthe same scores"
APART = 0.2  # logarithm of two differences: from here on a second line can be seen
SHARES = {0.05: "5%", 0.1: "10%", 0.2: "20%", 0.5: "50%", 1: "100%", 2: "200%", 5: "500%"}


def _batch_size() -> alt.X:
    return (
        alt.X("batch_size:Q")
        .scale(type="log", base=2, domain=[0.9, SIZES[-1]], nice=False)
        .axis(**worded({size: str(size) for size in SIZES}), grid=False)
        .title("images in the batch (log)")
    )


def difference(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the difference between the modes against the batch size, and why it falls."""
    every = np.concatenate([r.difference.ravel() for r in shared])
    domain = float(every.min() / 1.4), float(every.max() * 2)
    data = frame(tables(result)["sizes"])
    data["series"] = "with"
    true = data[["batch_size"]].assign(series="context", difference=data["from true statistics"])
    means = dict(zip(data["batch_size"], data["difference"]))
    y = (
        alt.Y("difference:Q")
        .scale(type="log", domain=domain, nice=False)
        .axis(
            **worded({v: text for v, text in SHARES.items() if domain[0] <= v <= domain[1]}),
            domain=False,
            ticks=False,
        )
        .title("distance from the scores at test time (log)")
    )
    x = _batch_size()
    floor, ends = percent(means[256]), {}
    differs = bool((np.abs(np.log(true["difference"] / data["difference"])) > APART).any())
    ends["with"] = SIZES[-1], means[256], floor
    if differs:
        ends["with"] = SIZES[-1], means[256], f"{floor} against\nrunning averages"
        grey = true["difference"].iloc[-1]
        ends["context"] = SIZES[-1], grey, "against the training\nset's statistics"
    named = [
        {"x": 1.14 * size, "y": 1.16 * means[size], "text": percent(means[size])}
        | {"series": "bad" if size == 1 else "with"}
        for size in (1, 2, 64)
    ]
    foot = float(at_position(0.25, domain, log=True))
    alone = alt.Chart(pd.DataFrame([{"batch_size": 1, "y": means[1], "foot": 1.6 * foot}]))
    at = alone.encode(x, alt.Y("y:Q"), alt.ColorValue(colour("bad")))
    falls = means[256] < 0.25 * means[2]
    why = (
        "the mean of few\nimages is noisy" if falls else "stays high: the\nrunning averages are off"
    )
    chart = layers(
        curves(true, x=x, y=y) if differs else None,
        curves(
            data,
            x=x,
            y=y,
            points=True,
            tooltip=[alt.Tooltip("batch_size:Q"), alt.Tooltip("difference:Q")],
        ),
        at.mark_rule(strokeDash=[3, 4]).encode(alt.Y2("foot")),
        at.mark_point(size=330, filled=False, strokeWidth=2.5),
        texts(named, align="left", fontWeight="bold"),
        _ends(ends, domain),
        remark(
            "test time: by running averages;\n100%: one std of the scores",
            SIZES[-1],
            float(at_position(0.96, domain, log=True)),
            align="right",
        ),
        remark(ALONE, 1, foot, meaning="bad"),
        remark(why, 20 if falls else 9, means[16] * (1.6 if falls else 2)),
    )
    return Picture(chart, "Difference of the two modes by batch size, log-log")


def _ends(ends: Mapping[str, tuple[float, float, str]], domain: tuple[float, float]) -> Any:
    """Name the two lines at their ends, in two lines of text each."""
    places = apart(position([y for _, y, _ in ends.values()], domain, log=True).tolist(), 0.13)
    rows = [
        {"x": x, "y": y, "text": text, "series": name}
        for (name, (x, _, text)), y in zip(ends.items(), at_position(places, domain, log=True))
    ]
    return texts(rows, align="left", dx=8, fontWeight="bold")


def scores(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw how well batches of all sizes predict, and the two kinds of fixed statistics."""
    data = frame(tables(result)["sizes"]).assign(series="other")
    y = (
        alt.Y("accuracy:Q")
        .scale(domain=[0, 1], nice=False)
        .axis(format=".0%", values=[0, 0.25, 0.5, 0.75, 1], domain=False, ticks=False)
        .title("validation images classified correctly")
    )
    running = float(result.test_accuracy[0].mean())
    last = float(result.accuracy[:, -1].mean())
    chart = layers(
        curves(
            data,
            x=_batch_size(),
            y=y,
            points=True,
            tooltip=[alt.Tooltip("batch_size:Q"), alt.Tooltip("accuracy:Q")],
        ),
        rule(f"one at a time, by running averages: {percent(running)}", y=running, at=1.1),
        remark(f"normalized by\ntheir batch: {percent(last)}", 40, last - 0.2, meaning="other"),
        remark(f"alone: {percent(result.accuracy[:, 0].mean())}", 1.15, 0.08, meaning="other"),
    )
    return Picture(chart, "Accuracy by batch size, against running averages")


def example(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw one image's scores for the ten digits, in test mode and among random others."""
    cases = [str(size) for size in EXAMPLE_SIZES]
    columns = Columns(cases, 0, 9, gap=0.2)
    data = frame(tables(result)["example"])
    data["case"] = data["batch_size"].astype(str)
    data = columns.shifted(data.assign(x=data["digit"].astype(float)), "x")
    low, high = data[["score", "score in test mode"]].min().min(), data["score"].max()
    top = high + 0.16 * (high - low)
    y = (
        alt.Y("score:Q")
        .scale(domain=[low, top], nice=False)
        .axis(domain=False, ticks=False, tickCount=5)
        .title("score of a digit")
    )
    x = columns.x(title="digit", ticks={digit: str(digit) for digit in (0, 3, 6, 9)})
    among = (
        alt.Chart(data)
        .mark_line(opacity=0.5, strokeWidth=1.5, color=colour("other"))
        .encode(x, y, detail=[alt.Detail("case:N"), alt.Detail("batch:N")])
    )
    fixed = data[data["batch"] == 0].rename(columns={"score in test mode": "fixed"})
    test = alt.Chart(fixed).mark_line(color=colour("with")).encode(x, alt.Detail("case:N"))
    heads = [
        {
            "x": 4.5 + columns.shift(case),
            "y": high + 0.1 * (high - low),
            "text": "alone" if case == "1" else f"in batches of {case}",
            "series": "other",
        }
        for case in cases
    ]
    chart = layers(
        among,
        test.encode(alt.Y("fixed:Q")),
        texts(heads, fontWeight="bold"),
        remark(
            "green: test mode",
            9 + columns.shift(cases[-1]),
            low + 0.05 * (high - low),
            align="right",
            meaning="with",
        ),
    )
    return Picture(chart, "One image's ten scores, alone and in batches, against test mode")


VIEWS = {"difference": difference, "accuracy": scores, "example": example}
