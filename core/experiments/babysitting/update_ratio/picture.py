"""Update ratio: its course by epoch for six rates, and all runs by ratio and accuracy."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts.colours import by_meaning, colour
from core.charts.curves import curves
from core.charts.marks import (
    apart,
    at_position,
    by_width,
    clipped,
    position,
    remark,
    rule,
    shares_in_words,
    texts,
    worded,
)
from core.charts.picture import Picture, layers
from core.experiments.babysitting.update_ratio.experiment import (
    BAND,
    GOOD,
    LEAST,
    RATES,
    RULE,
    SEEDS,
    Result,
    findings,
    share,
)
from core.lab.finding import Outcome
from core.lab.say import number, percent

DRAWN = (0, 4, 8, 12, 16, 18)  # rates of the first view
WORDS = {**shares_in_words(LEAST), 1: "as large", RULE: "1 in 1,000"}
STRIP = 1.02, 1.16  # of the epochs: where the dots of all runs stand
TITLE = [
    "epochs; at the lines: learning rate and",
    "new digits right in the end (green: good,",
    f"{percent(GOOD)} or more); dots: all runs in the end",
]
CEILING = 3.0  # of the axis
TOP = 12.0  # of the axis with room for a line of text
EXPLODED = "explodes"


def _domain(shared: Sequence[Result]) -> tuple[float, float]:
    """Return the ends of a log axis that shows every ratio of all results."""
    ratios = np.concatenate([r[r > 0] for run in shared for r in (run.first, run.early, run.late)])
    low = clipped(ratios, LEAST, CEILING).min()
    return min(low / 2, 1e-5), CEILING


def _axis(encoding: alt.X | alt.Y, domain: tuple[float, float]) -> Any:
    ticks = {value: text for value, text in WORDS.items() if value >= domain[0]}
    scaled = encoding.scale(type="log", domain=domain, nice=False)
    return scaled.axis(**worded(ticks), grid=False, domain=False, ticks=False)


def course(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the ratio by epoch, a line per rate: it starts as the rate says and ends in the band."""
    domain, end = (_domain(shared)[0], TOP), max(run.config.epochs for run in shared)
    first = result.first[..., result.looked_at].mean(axis=1)
    ratio = np.column_stack([first, result.by_epoch[:, result.looked_at]])
    data = pd.DataFrame(
        {
            "epoch": epoch,
            "ratio": float(clipped(ratio[i, epoch], *domain)),
            "line": number(RATES[i]),
            "series": _meaning(result, i),
        }
        for i in DRAWN
        for epoch in np.flatnonzero(np.isfinite(ratio[i])).tolist()
    )
    x = (
        alt.X("epoch:Q")
        .scale(domain=[0, STRIP[1] * end], nice=False)
        .axis(values=[0, end / 2, end], format="~g", grid=False)
        .title(TITLE)
    )
    y = alt.Y("ratio:Q").title("update / weights (log)")
    band = pd.DataFrame([{"x": 0, "x2": STRIP[1] * end, "y": BAND[0], "y2": BAND[1]}])
    inside = result.in_band(result.late)
    said = f"{percent(share(result.good, inside))} of {{}}{inside.sum()}{{}} are good"
    enough = {
        "x": STRIP[1] * end,
        "y": 0.5 * TOP,
        "text": said.format("the ", " runs in the band"),
        "short": said.format("", " in the band"),
        "series": "ink",
    }
    tooltip = [
        alt.Tooltip("line:N", title="rate"),
        alt.Tooltip("epoch:Q"),
        alt.Tooltip("ratio:Q", format=".2g"),
    ]
    chart = layers(
        _shaded(band),
        rule("", y=RULE),
        by_width([enough], align="right", fontWeight="bold"),
        _dots(result, domain, end),
        curves(data, x=x, y=_axis(y, domain), points=True, tooltip=tooltip),
        _names(result, data, domain, end),
        *_reasons(result, ratio, end),
    )
    return Picture(chart, "Size of an update beside the weights by epoch, a line per learning rate")


def _dots(result: Result, domain: tuple[float, float], end: int) -> Any:
    """Draw a dot for every run in its last epoch, the starts beside each other."""
    ratio = result.late[..., result.looked_at]
    places = np.broadcast_to(np.linspace(STRIP[0], STRIP[1] - 0.01, SEEDS), ratio.shape)
    data = pd.DataFrame(
        {
            "epoch": end * places.ravel(),
            "ratio": clipped(ratio, *domain).ravel(),
            "series": np.where(result.good, "good", "bad").ravel(),
        }
    )[np.isfinite(ratio).ravel()]
    dots = alt.Chart(data).mark_point(size=18)
    return dots.encode(alt.X("epoch:Q"), alt.Y("ratio:Q"), by_meaning(data["series"]))


def _shaded(band: pd.DataFrame) -> Any:
    base = alt.Chart(band).mark_rect(opacity=0.15, color=colour("context"))
    return base.encode(alt.X("x:Q"), alt.X2("x2"), alt.Y("y:Q"), alt.Y2("y2"))


def _meaning(result: Result, rate: int) -> str:
    return "good" if result.accuracy[rate].mean() >= GOOD else "bad"


def _names(result: Result, data: pd.DataFrame, domain: tuple[float, float], end: int) -> Any:
    """Name lines where they end, moved apart; what explodes has its name where it stops."""
    last = data.groupby("line", sort=False).last()
    places = apart(position(last["ratio"], domain, log=True).tolist())
    told = []
    for i in DRAWN:
        failed = result.failed[i].sum()
        right = percent(result.accuracy[i].mean())
        told.append(right if not failed else EXPLODED if failed == SEEDS else f"{failed} explode")
    rows = [
        {
            "x": row.epoch if row.epoch < end else STRIP[1] * end,
            "y": y,
            "text": f"{line}: {what}",
            "series": row.series,
        }
        for (line, row), y, what in zip(last.iterrows(), at_position(places, domain, True), told)
    ]
    return texts(rows, align="left", dx=10, fontWeight="bold")


def _reasons(result: Result, ratio: np.ndarray, end: int) -> list[Any]:
    """Say why good runs come down into the band, and that a slow one is in it, too."""
    found = {f.claim: f.outcome for f in findings(result)}
    reasons = []
    if found["T9"] is Outcome.HOLDS and found["early"] is Outcome.FAILS:
        late = percent(share(result.in_band(result.late), result.good))
        text = f"good runs come down as\ntheir gradients fade:\n{late} end in the band"
        reasons.append(remark(text, 0.35 * end, 0.15))
    slow = [i for i in DRAWN if _meaning(result, i) == "bad" and BAND[0] <= ratio[i, -1] <= BAND[1]]
    if slow and slow[0] < result.good.all(axis=1).argmax():
        y = ratio[slow[0], ratio.shape[1] // 2] * 1.9
        reasons.append(remark("in the band, but too slow", 0.5 * end, y, align="center"))
    return reasons


def runs(result: Result, shared: Sequence[Result], *, moment: str, when: str) -> Picture:
    """Draw a dot per run: its ratio at a moment and its accuracy in the end."""
    domain, ratios = _domain(shared), getattr(result, moment)
    data = pd.DataFrame(
        {
            "ratio": clipped(ratios[..., result.looked_at], *domain).ravel(),
            "accuracy": result.accuracy.ravel(),
            "rate": np.repeat(RATES, SEEDS),
            "series": np.where(result.good, "good", "bad").ravel(),
        }
    )[np.isfinite(ratios[..., result.looked_at]).ravel()]
    x = _axis(alt.X("ratio:Q").title(f"update / weights in {when} (log)"), domain)
    y = alt.Y("accuracy:Q").scale(domain=[0, 1.3], nice=False)
    y = y.axis(values=[0, 0.2, 0.4, 0.6, 0.8, 1], format=".0%", domain=False, ticks=False)
    tooltip = [alt.Tooltip("rate:Q", format=".2g"), alt.Tooltip("ratio:Q", format=".2g")]
    dots = alt.Chart(data).mark_point(opacity=0.6)
    inside, good = result.in_band(ratios), result.good
    band = pd.DataFrame([{"x": BAND[0], "x2": BAND[1], "y": 0, "y2": 1.3}])
    heads = [
        (1.23, "good", f"{percent(share(inside, good))} of good runs are in the band"),
        (1.12, "bad", f"of runs in the band {percent(share(good, inside))} are good"),
    ]
    rows = [{"x": RULE, "y": y, "text": text, "series": name} for y, name, text in heads]
    chart = layers(
        _shaded(band),
        dots.encode(
            x,
            y.title(f"new digits right after {result.config.epochs} epochs"),
            by_meaning(data["series"]),
            tooltip=[*tooltip, alt.Tooltip("accuracy:Q", format=".1%")],
        ),
        rule(f"good: {percent(GOOD)}", y=GOOD, at=domain[0]),
        texts(rows, fontWeight="bold"),
    )
    return Picture(chart, "Accuracy in the end against the update ratio, a dot per run")


VIEWS = {
    "course": course,
    "late": partial(runs, moment="late", when="the last epoch"),
    "early": partial(runs, moment="early", when="the first epoch"),
}
