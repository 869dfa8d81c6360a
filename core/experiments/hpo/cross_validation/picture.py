"""Cross-validation: what the winners of three rules are worth, and every setting of one search."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts.colours import by_meaning, colour
from core.charts.marks import at_position, by_width, texts
from core.charts.picture import Picture, layers
from core.experiments.hpo.cross_validation.experiment import (
    AHEAD,
    FOLDS,
    GAIN,
    REPEATS,
    RULES,
    Array,
    Result,
    clearly_more,
    scatter,
)
from core.lab.finding import Outcome
from core.lab.say import count, percent
from core.lab.verdict import interval

MEANING = dict(zip(RULES, ("good", "other", "ink")))
ROWS = dict(zip(RULES, (2.5, 0.0, 1.15)))  # heights; the two of equal work next to each other
ABOVE = 0.42  # a row, its name
BETWEEN = 1.95  # height of the words between the two of equal work


def tested(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw what the winners of each rule are worth on test digits, and what they looked like."""
    data = pd.DataFrame(
        {
            "test": right,
            "y": ROWS[rule] + 0.06 * (search % 3 - 1),
            "search": search + 1,
            "series": MEANING[rule],
        }
        for rule, own in zip(RULES, result.test)
        for search, right in enumerate(own)
    )
    rows = _rows(result)
    low, high = _test_domain(shared)
    x = (
        alt.X("test:Q")
        .scale(domain=[low, high], nice=False, zero=False)
        .axis(format=".0%", tickCount=6, tickMinStep=0.01, grid=False, domain=False)
        .title(
            [f"digits right; dot: one of {REPEATS} searches", "bar: mean; ◇ score used to choose"]
        )
    )
    y = (
        alt.Y("y:Q")
        .scale(domain=[-0.35, 3.05], nice=False)
        .axis(values=[], domain=False)
        .title(None)
    )
    tooltip = [alt.Tooltip("search:Q"), alt.Tooltip("test:Q", title="right", format=".1%")]
    at = alt.Chart(rows).encode(alt.Y("y:Q"), by_meaning(rows["series"]))
    chart = layers(
        _bracket(low),
        alt.Chart(data)
        .mark_point(size=70, opacity=0.5)
        .encode(x, y, by_meaning(data["series"]), tooltip=tooltip),
        at.mark_tick(thickness=5, size=40, orient="vertical", opacity=1).encode(alt.X("test:Q")),
        alt.Chart(rows)
        .mark_point(
            shape="diamond", filled=False, size=90, strokeWidth=1.5, color=colour("context")
        )
        .encode(alt.X("promised:Q"), alt.Y("y:Q")),
        by_width(
            rows.assign(x=low, y=rows["y"] + ABOVE).to_dict("records"), dx=10, fontWeight="bold"
        ),
        by_width(_promises(rows, high), align="right"),
        by_width([_difference(result, low)], dx=10, fontWeight="bold"),
    )
    return Picture(chart, "Test accuracy of the winners of three rules, and what they had promised")


def _rows(result: Result) -> pd.DataFrame:
    """Return a row per rule: the means on test digits and while choosing, and its name."""
    trials = result.config.trials
    tried = dict(zip(RULES, (trials, trials, FOLDS * trials)))
    split = dict(zip(RULES, (f"{FOLDS} folds", "1 split", "1 split")))
    rows = []
    for rule, right, looked in zip(RULES, result.test.mean(axis=-1), promised(result)):
        networks = trials if rule == "split" else FOLDS * trials
        name, found = f"{split[rule]}, {tried[rule]} settings", f"{right:.1%}"
        rows.append(
            {
                "series": MEANING[rule],
                "y": ROWS[rule],
                "test": right,
                "promised": looked,
                "text": f"{name} = {networks} trainings: {found} on test digits",
                "short": f"{name}: {found}",
            }
        )
    return pd.DataFrame(rows)


def promised(result: Result) -> Array:
    """Return (RULES,) what the winners have right of the digits they are chosen by, the mean."""
    searches = np.arange(REPEATS)
    folds, split, more = result.chosen
    won = [
        result.fold.mean(axis=-1)[searches, folds],
        result.split[searches, split],
        result.split[searches, more],
    ]
    return np.mean(won, axis=-1)


def _promises(rows: pd.DataFrame, right: float) -> list[dict[str, Any]]:
    return [
        {
            "x": right,
            "y": row.y + ABOVE,
            "text": f"◇ score used to choose: {row.promised:.1%}",
            "short": f"◇ {row.promised:.1%}",
            "series": "soft",
        }
        for row in rows.itertuples()
    ]


def _test_domain(shared: Sequence[Result]) -> tuple[float, float]:
    values = [value for run in shared for value in (*run.test.ravel(), *promised(run))]
    return float(np.floor(100 * min(values) - 0.3) / 100), min(
        float(np.ceil(100 * max(values) + 0.3) / 100), 1.0
    )


def _bracket(x: float) -> Any:
    """Tie together the two rules of equal work."""
    ends = {"x": x, "y": ROWS["more"] - 0.2, "y2": ROWS["folds"] + ABOVE + 0.08}
    base = alt.Chart(pd.DataFrame([ends])).mark_rule(strokeWidth=2.5, color=colour("ink"))
    return base.encode(alt.X("x:Q"), alt.Y("y:Q"), alt.Y2("y2"))


def _difference(result: Result, x: float) -> dict[str, Any]:
    """Tell by how much rules of equal work differ, and whether this is clear."""
    folds, _, more = result.test
    low, high = (100 * end for end in interval(folds - more))
    ahead = f"{(low + high) / 2:+.1f}".replace("-", "−")
    told = "clear"
    if clearly_more(folds, more) is Outcome.UNCLEAR:
        told = "not clear" if low < 0 < high else f"not surely over {100 * GAIN:.1f}"
    said = f"{ahead} ± {(high - low) / 2:.1f} points: {told}"
    words = {"text": f"same work, difference {said}", "short": f"difference {said}"}
    return {"x": x, "y": BETWEEN, "series": "ink", **words}


def configurations(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw of one search the folds of every setting, the worst first, and both winners."""
    data, domain = _ranked(result), _domain(shared)
    base = alt.Chart(data).encode(_rank(result), tooltip=TOOLTIP)
    chart = layers(
        base.mark_rule(strokeWidth=6, opacity=0.4).encode(
            _right("low", domain, "validation"), alt.Y2("high")
        ),
        base.mark_point(size=60, color=colour("good")).encode(alt.Y("mean:Q")),
        base.mark_point(size=60, shape="diamond", color=colour("other")).encode(alt.Y("split:Q")),
        *_winners(result, data, domain),
        _key(result, domain),
    )
    return Picture(chart, "Accuracy of every setting on five folds, on one, and the winners")


TOOLTIP = [
    alt.Tooltip("rate:Q", title="learning rate", format=".2g"),
    alt.Tooltip("reg:Q", title="regularization", format=".2g"),
    alt.Tooltip("mean:Q", title=f"mean of {FOLDS} folds", format=".1%"),
    alt.Tooltip("split:Q", title="one split", format=".1%"),
]


def _drawn(result: Result) -> int:
    """Return the first search in which the winners differ, or the first of all."""
    return int(result.changed.argmax())


def _ranked(result: Result) -> pd.DataFrame:
    """Return a row per setting of the drawn search, the worst first."""
    search = _drawn(result)
    fold = result.fold[search]
    order = np.argsort(fold.mean(axis=-1), kind="stable")
    return pd.DataFrame(
        {
            "rank": np.arange(len(order)) + 1,
            "number": order,
            "mean": fold[order].mean(axis=-1),
            "low": fold[order].min(axis=-1),
            "high": fold[order].max(axis=-1),
            "split": fold[order, 0],
            "rate": result.drawn[0, search, order],
            "reg": result.drawn[1, search, order],
        }
    )


def _rank(result: Result) -> alt.X:
    tried = count(result.config.trials, "setting", "settings")
    return (
        alt.X("rank:Q")
        .scale(domain=[0.5, result.config.trials + 0.5], nice=False)
        .axis(values=[], domain=False)
        .title(f"{tried}, sorted by the mean of {FOLDS} folds")
    )


def _domain(shared: Sequence[Result]) -> tuple[float, float]:
    """Return the ends of the axis: room below and above what is drawn, for words."""
    low = min(float(_ranked(run)[["low", "split"]].min().min()) for run in shared)
    room = 0.4 * (1 - low)
    return low - room, 1 + room


def _right(field: str, domain: tuple[float, float], split: str) -> alt.Y:
    """Return the axis of accuracies, without ticks where there are words."""
    ticks = [tick / 20 for tick in range(21) if domain[0] < tick / 20]
    return (
        alt.Y(f"{field}:Q")
        .scale(domain=domain, nice=False, zero=False)
        .axis(
            values=ticks[:: 1 + len(ticks) // 7],
            format=".0%",
            domain=False,
            ticks=False,
            grid=False,
        )
        .title(f"right on {split} digits")
    )


def _winners(result: Result, data: pd.DataFrame, domain: tuple[float, float]) -> list[Any]:
    """Lead from the best of either rule up to its name; the left one's name is lower."""
    rows = []
    ties = int((data["split"] == data["split"].max()).sum()) - 1
    also = f", {count(ties, 'other ties', 'others tie')}" if ties else ""
    said = {"folds": f"best on {FOLDS} folds", "split": "best on 1 split"}
    for rule, field in zip(RULES, ("mean", "split")):
        number = result.chosen[RULES.index(rule), _drawn(result)]
        row = data[data["number"] == number].iloc[0]
        text = f"{said[rule]}: {percent(row[field])}{also if rule == 'split' else ''}"
        rows.append(
            {"rank": row["rank"], "from": row[field], "text": text, "series": MEANING[rule]}
        )
    rows.sort(key=lambda row: row["rank"])
    heights = at_position([0.88, 0.96], domain).tolist()
    names = pd.DataFrame({**row, "y": y} for row, y in zip(rows, heights))
    at = alt.Chart(names).encode(alt.X("rank:Q"), by_meaning(names["series"]))
    return [
        at.mark_rule(strokeWidth=1.5).encode(alt.Y("from:Q"), alt.Y2("y")),
        at.mark_point(size=220, filled=False, strokeWidth=2.5).encode(alt.Y("from:Q")),
        at.mark_text(align="right", dx=-5, baseline="middle", fontWeight="bold").encode(
            alt.Y("y:Q"), alt.Text("text:N")
        ),
    ]


def _key(result: Result, domain: tuple[float, float]) -> Any:
    """Name the marks, and write how much folds and the best settings differ."""
    told, trials = scatter(result), result.config.trials
    said = [
        (f"● mean of {FOLDS} folds: the best {AHEAD} lie {told['lead']:.1f} points apart", "good"),
        ("◆ 1 split: the first fold", "other"),
        (f"bar, worst to best fold: {told['apart']:.0f} points", "soft"),
    ]
    heights = at_position([0.2, 0.125, 0.05], domain).tolist()
    rows = [
        {"x": trials + 0.5, "y": y, "text": text, "series": series}
        for (text, series), y in zip(said, heights)
    ]
    return texts(rows, align="right", fontWeight="bold")


def setting(result: Result) -> Picture:
    """Draw the folds of every setting, without what a single split says and who wins."""
    base = alt.Chart(_ranked(result)).encode(_rank(result))
    y = _right("low", _domain([result]), "validation")
    chart = layers(
        base.mark_rule(strokeWidth=6, opacity=0.4).encode(y, alt.Y2("high")),
        base.mark_point(size=50, color=colour("context")).encode(alt.Y("mean:Q")),
    )
    return Picture(chart, "Accuracy of every setting on five folds, sorted by its mean")


VIEWS = {"test": tested, "configurations": configurations}
SETTING = setting
