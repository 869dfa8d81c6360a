"""Log scale: the tries of both ways over accuracy, the share of them in every decade below."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts.colours import by_meaning, colour
from core.charts.columns import Columns
from core.charts.curves import by_epoch, curves
from core.charts.marks import at_position, by_width, line_ends, position, texts
from core.charts.picture import Picture, frame, layers
from core.experiments.hpo.log_scale.experiment import KINDS, SEARCHES, Result, tables
from core.lab.say import number, percent

FLOOR, CEILING = -0.24, 1.5  # of the axis of accuracy, with room for what is written there
SHARES = -0.12  # where the shares stand
CONTEXT = 300  # tries of all searches that show what each rate comes to
BESIDE = (0.6, 0.42)  # where words keep clear of the dots: over a low curve, under a high one
ALMOST = 0.9  # of the best accuracy: what learns well


def tries(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the tries of one search both ways, each over its accuracy, and count the decades."""
    columns, search = _columns(result, KINDS), _typical(result)
    data = pd.concat(
        pd.DataFrame({"case": kind, "x": np.log10(rate[search]), "y": val[search]})
        for kind, rate, val in zip(KINDS, result.rate, result.val)
    )
    data = columns.shifted(data.assign(rate=10 ** data["x"]), "x")
    base = alt.Chart(data).encode(alt.X("x:Q"), alt.Y("y:Q"), by_meaning(KINDS, "case"))
    tooltip = [
        alt.Tooltip("rate:Q", title="learning rate", format=".2g"),
        alt.Tooltip("y:Q", title="validation accuracy", format=".1%"),
    ]
    chart = layers(
        _decades(result, columns),
        _context(result, columns),
        base.mark_point(opacity=0.9).encode(tooltip=tooltip),
        _shares(result, columns),
        columns.heads(_heads(result), 1.38),
        _named(result, columns, search),
        _learning(result, columns),
    )
    return Picture(chart, "Learning rates drawn in two ways, each with the accuracy it comes to")


def _typical(result: Result) -> int:
    """Return the search whose best two networks are nearest to the medians of all searches."""
    found = result.found[..., -1]
    return int(np.abs(found - np.median(found, axis=-1, keepdims=True)).sum(axis=0).argmin())


def _best(result: Result, search: int) -> pd.DataFrame:
    """Return a row per way: the try of a search that is best on validation digits."""
    rows = []
    for kind, rate, val in zip(KINDS, result.rate, result.val):
        number = int(val[search].argmax())
        rows.append({"case": kind, "x": np.log10(rate[search, number]), "y": val[search, number]})
    return pd.DataFrame(rows)


def _named(result: Result, columns: Columns, search: int) -> Any:
    """Circle the best try of the drawn search, and say what it gets right, off the curve."""
    best, ends = _best(result, search), (columns.low, columns.high)
    middle = position(best["x"], ends) - 0.5
    most = np.where(best["y"] > 0.5, 0.23, 0.15)  # away from the middle
    places = at_position(0.5 + np.clip(middle, -most, most), ends)
    rows = [
        {
            "x": place + columns.shift(row.case),
            "y": row.y - 0.3 if row.y > 0.5 and inside else min(row.y + 0.17, 1.06),
            "text": f"one search: {percent(row.y)}",
            "short": percent(row.y),
            "series": row.case,
        }
        for row, place, inside in zip(best.itertuples(), places.tolist(), abs(middle) < 0.25)
    ]
    best = columns.shifted(best, "x")
    ring = alt.Chart(best).mark_point(size=220, filled=False, strokeWidth=2.5)
    return alt.layer(
        ring.encode(alt.X("x:Q"), alt.Y("y:Q"), by_meaning(best["case"], "case")),
        by_width(rows, align="center", fontWeight="bold"),
    )


def _columns(result: Result, cases: Sequence[str]) -> Columns:
    low, high = np.log10([result.config.low, result.config.high]).tolist()
    return Columns(cases, low, high, gap=0.08)


def _decades(result: Result, columns: Columns) -> Any:
    """Draw the axes, and every other decade of each column on a ground of its own."""
    powers = np.log10(result.edges)
    shown = powers[:-1] if len(powers) < 5 else powers[1::2]
    ticks = {float(power): number(10**power) for power in shown}
    title = [
        "learning rate (log); grey: tries of both ways",
        "numbers: % of this way's tries per decade",
    ]
    x = columns.x(title="", ticks=ticks).title(title)
    y = (
        alt.Y("y:Q")
        .scale(domain=[FLOOR, CEILING], nice=False, zero=False)
        .axis(values=[0, 0.25, 0.5, 0.75, 1], format=".0%", grid=False, domain=False, ticks=False)
        .title("right on validation digits")
    )
    data = pd.concat(
        pd.DataFrame({"case": case, "x": powers[:-1], "x2": powers[1:], "y": FLOOR, "y2": 1.05})
        for case in columns.cases
    )
    odd = np.arange(len(data)) % (len(powers) - 1) % 2
    data = columns.shifted(data, "x", "x2").assign(opacity=np.where(odd, 0.75, 0.35))
    return (
        alt.Chart(data)
        .mark_rect(color=colour("grid"))
        .encode(x, y, alt.X2("x2"), alt.Y2("y2"), opacity=alt.Opacity("opacity:Q").scale(None))
    )


def _context(result: Result, columns: Columns) -> Any:
    """Draw tries of all searches, both ways, in grey: what each rate comes to."""
    rates, val = np.log10(result.rate).ravel(), result.val.ravel()
    some = np.linspace(0, len(rates) - 1, CONTEXT).round().astype(int)
    data = pd.concat(
        pd.DataFrame({"case": case, "x": rates[some], "y": val[some]}) for case in columns.cases
    )
    return (
        alt.Chart(columns.shifted(data, "x"))
        .mark_point(size=16, color=colour("context"), opacity=0.5)
        .encode(alt.X("x:Q"), alt.Y("y:Q"))
    )


def _shares(result: Result, columns: Columns) -> Any:
    middles = np.log10(result.edges[:-1]) + 0.5
    rows = [
        {
            "x": x + columns.shift(kind),
            "y": SHARES,
            "text": "<1" if 0 < share < 0.01 else percent(share).rstrip("%"),
            "series": kind,
        }
        for kind, shares in zip(KINDS, result.shares)
        for x, share in zip(middles.tolist(), shares.tolist())
    ]
    return texts(rows, fontWeight="bold")


def _heads(result: Result) -> dict[str, str]:
    means = result.found[..., -1].mean(axis=-1)
    return {
        kind: f"Even {how}:\n{percent(mean)} of test digits,\nmean of {SEARCHES} searches"
        for kind, how, mean in zip(KINDS, ("in the value", "in the logarithm"), means)
    }


def _learning(result: Result, columns: Columns) -> Any:
    """Say under the best rates how many of the tries learn nearly as well."""
    good = result.val > ALMOST * result.val.max()
    width = columns.high - columns.low
    middle = float(
        np.clip(
            np.log10(result.rate[good]).mean(),
            columns.low + 0.25 * width,
            columns.high - 0.25 * width,
        )
    )
    rows = [
        {
            "x": middle + columns.shift(kind),
            "y": BESIDE[bool(result.val.max() > 0.5)],
            "text": f"{percent(own.mean())} of the tries\nlearn well",
            "short": f"{percent(own.mean())}\nlearn well",
            "series": kind,
        }
        for kind, own in zip(KINDS, good)
    ]
    return by_width(rows, align="center", fontStyle="italic")


def setting(result: Result) -> Picture:
    """Draw what every rate comes to, without the tries of either way."""
    columns = _columns(result, ("context",))
    chart = layers(_decades(result, columns), _context(result, columns))
    return Picture(chart, "Validation accuracy after training by learning rate, a dot a network")


def by_tries(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw what the best so far reads of the test digits, by the number of tries."""
    data = frame(tables(result)["found"]).rename(columns={"drawn": "series"})
    end = max(run.config.tries for run in shared)
    y = by_epoch(end, f"right on test digits, mean of {SEARCHES} searches")["y"]
    x = (
        alt.X("tries:Q")
        .scale(domain=[1, end], nice=False)
        .axis(tickCount=6, tickMinStep=1, format="d", grid=False)
        .title("tries so far, each a network trained")
    )
    tooltip = [alt.Tooltip("tries:Q"), alt.Tooltip("accuracy:Q", format=".1%")]
    last = data.groupby("series").last()["accuracy"]
    ends = {
        kind: (result.config.tries, last[kind], f"{kind}: {percent(last[kind])}") for kind in KINDS
    }
    chart = layers(
        curves(data, x=x, y=y, points=True, tooltip=tooltip), line_ends(ends, domain=(0, 1))
    )
    return Picture(chart, "Accuracy of the best network so far by the number of tries, two ways")


VIEWS = {"tries": tries, "found": by_tries}
SETTING = setting
