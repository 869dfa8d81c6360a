"""Sanity checks: which bug fails which check, the numbers of one code, and the first loss."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts.colours import by_meaning, colour
from core.charts.marks import on_phone, rule, texts, worded
from core.charts.picture import Picture, layers
from core.experiments.babysitting.sanity_check.experiment import (
    BETTER,
    BUGS,
    CHECKS,
    CODES,
    EXAMPLES,
    FIRST,
    NETWORKS,
    SLOPE,
    Result,
    cells,
    finds,
    passed,
)
from core.lab.say import number, percent, power_of_ten
from core.lab.words import name_of

HEADS = {  # wide, and on a phone
    "first_loss": ("First loss\nis ln {classes}", "first\nloss"),
    "rise": ("Loss rises\nwith reg", "rises\nw. reg"),
    "gradient": ("Gradient\nerror", "gra-\ndient"),
    "overfit": ("Memorizes\n{examples} digits", "fits\n{examples}"),
    "new_digits": ("Reads new\ndigits", "new\ndigits"),
}
PHONE = 300  # px of width inside the axes below which texts are short
HEAD, FOOT = 1.6, 2.0  # rows above and below the grid
EDGE = 0.03  # of a cell
REASONS = {  # why a network memorizes its digits with a bug, or cannot
    ("summed", 0): "steps 20 times as long",
    ("no_penalty", 1): "memorizing needs no penalty",
    ("flipped", -1): "the hidden layer climbs the loss",
    ("frozen", -1): "the hidden layer stays as it was",
    ("frozen", 1): "the output layer is enough",
    ("halved", 1): "shorter steps work, too",
    ("no_bias", 1): "the weights are enough",
    ("out_of_step", -1): "other labels at every step",
    ("random_labels", 1): "any labels can be memorized",
}
SEES = {  # what a check looks at, and so all that it can find
    "first_loss": "the loss",
    "rise": "the penalty",
    "gradient": "the gradient",
    "overfit": "the steps",
    "new_digits": "the labels",
}
REGS = (0.0, 0.3, 1.0, 3.0, 10.0)  # of the second picture, beside the one that is set


def _by_width(wide: str = "wide", phone: str = "phone") -> Any:
    """Return what writes one column of the data on a wide picture, another on a phone."""
    return on_phone(f"datum.{phone}", f"datum.{wide}", PHONE)


def _y(rows: int, foot: float = 0) -> alt.Y:
    return alt.Y("y:Q").scale(domain=[rows + foot, -HEAD], nice=False).axis(None)


def _names(names: Sequence[str]) -> Any:
    """Write the names of rows to the left of them."""
    rows = [{"x": 0, "y": i + 0.5, "text": name, "series": "ink"} for i, name in enumerate(names)]
    return texts(rows, align="right", dx=-8)


def _x() -> alt.X:
    return alt.X("x:Q").scale(domain=[0, len(CHECKS)], nice=False).axis(None)


def _heads(result: Result) -> Any:
    filled = {"classes": result.config.classes, "examples": EXAMPLES}
    rows = [
        {"x": i + 0.5, "y": -1.15, "wide": wide.format(**filled), "phone": phone.format(**filled)}
        for i, (wide, phone) in enumerate(HEADS[check] for check in CHECKS)
    ]
    mark = alt.Chart(pd.DataFrame(rows)).mark_text(
        baseline="middle", lineBreak="\n", fontWeight="bold", text=_by_width()
    )
    return mark.encode(alt.X("x:Q"), alt.Y("y:Q"))


def _short(check: str, value: float) -> str:
    """Write what a check measures."""
    if not np.isfinite(value):
        return "explodes"
    match check:
        case "first_loss":
            return f"{value:.2f}" if value < 10 else number(value)
        case "rise":
            return f"+{number(value)}" if value else "+0"
        case "gradient":
            return f"{value:.0%}" if value >= 0.005 else power_of_ten(value)
    return percent(value)


def _cells(result: Result) -> pd.DataFrame:
    """Return a row per code and check: its place, its meaning and what stands in it."""
    found, counts = cells(result), passed(result).sum(axis=-1)
    middle = result.measured.mean(axis=-1)
    rows = []
    for row, column in np.ndindex(found.shape):
        value = _short(CHECKS[column], middle[row, column])
        match int(found[row, column]):
            case 1:
                series, wide, phone = "good", f"✓ {value}", "✓"
            case -1:
                series, wide, phone = "bad", f"✗ {value}", "✗"
            case _:
                count = counts[row, column]
                series, wide, phone = "other", f"{count} of {NETWORKS}", f"{count}/{NETWORKS}"
        rows.append(
            {
                "x": column + EDGE,
                "x2": column + 1 - EDGE,
                "y": row + EDGE,
                "y2": row + 1 - EDGE,
                "series": series,
                "wide": wide,
                "phone": phone,
                "code": name_of(CODES[row]),
                "pass": f"{counts[row, column]} of {NETWORKS} networks pass",
            }
        )
    return pd.DataFrame(rows)


def grid(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw codes against checks: a cell is full where the check fails."""
    data = _cells(result)
    y = _y(len(CODES), FOOT)
    rect = alt.Chart(data).mark_rect(cornerRadius=3)
    tooltip = [alt.Tooltip("code:N"), alt.Tooltip("pass:N"), alt.Tooltip("wide:N", title="mean")]
    chart = layers(
        rect.encode(
            _x(),
            y,
            by_meaning(data["series"]),
            alt.X2("x2"),
            alt.Y2("y2"),
            alt.OpacityValue(1, condition={"test": "datum.series == 'good'", "value": 0.13}),
            tooltip=tooltip,
        ),
        _inside(data[data["series"] == "good"], color=colour("good")),
        _inside(data[data["series"] != "good"], color=colour("ground"), fontWeight="bold"),
        _names([*(name_of(code) for code in CODES), _together(result)]),
        _heads(result),
        _found(result),
        _reasons(result),
    )
    return Picture(
        chart, "Codes with and without a bug against five checks: what fails, what passes"
    )


def _inside(data: pd.DataFrame, **mark: Any) -> Any:
    """Write into the cells what was measured."""
    middles = data.assign(x=(data["x"] + data["x2"]) / 2, y=(data["y"] + data["y2"]) / 2)
    text = _by_width()
    base = alt.Chart(middles).mark_text(baseline="middle", text=text, **mark)
    return base.encode(alt.X("x:Q"), alt.Y("y:Q"))


def _together(result: Result) -> str:
    return f"all five: {finds(result).any(axis=1).sum()} of {len(BUGS)}"


def _found(result: Result) -> Any:
    """Write below each check how many of the bugs it finds, and what it looks at."""
    rows = [
        {
            "x": i + 0.5,
            "y": len(CODES) + 0.5,
            "wide": f"finds {count} of {len(BUGS)}",
            "phone": f"{count} of {len(BUGS)}",
            "sees": SEES[check],
            "below": len(CODES) + 1.4,
            "none": "",
        }
        for i, (check, count) in enumerate(zip(CHECKS, finds(result).sum(axis=0)))
    ]
    base = alt.Chart(pd.DataFrame(rows)).encode(alt.X("x:Q"), alt.Y("y:Q"))
    counts = base.mark_text(baseline="middle", fontWeight="bold", text=_by_width())
    sees = base.mark_text(baseline="middle", style="remark", text=_by_width("sees", "none"))
    key = {
        "x": len(CHECKS),
        "y": len(CODES) + 0.5,
        "wide": "red: bug found\namber: so many networks pass",
        "phone": "",
    }
    tests = [{"x": 0, "y": len(CODES) + 1.4, "wide": "tests", "phone": ""}]
    named = alt.Chart(pd.DataFrame(tests)).mark_text(
        align="right", dx=-8, baseline="middle", style="remark", text=_by_width()
    )
    return layers(
        counts,
        sees.encode(alt.Y("below:Q")),
        named.encode(alt.X("x:Q"), alt.Y("y:Q")),
        _beside([key]),
    )


def _reasons(result: Result) -> Any:
    """Say right of each row why a network with this bug memorizes, or cannot."""
    overfit = cells(result)[:, CHECKS.index("overfit")]
    if overfit[0] != 1:
        return None
    rows = [
        {"x": len(CHECKS), "y": row + 0.5, "wide": REASONS[code, cell], "phone": ""}
        for row, (code, cell) in enumerate(zip(CODES, overfit.tolist()))
        if (code, cell) in REASONS
    ]
    rows.append(
        {"x": len(CHECKS), "y": -0.65, "wide": f"why it memorizes {EXAMPLES}, or not", "phone": ""}
    )
    return _beside(rows)


def _beside(rows: list[dict[str, Any]]) -> alt.Chart:
    """Write remarks right of the grid, where there is room."""
    text = _by_width()
    remarks = alt.Chart(pd.DataFrame(rows)).mark_text(
        align="left", dx=8, baseline="middle", style="remark", lineBreak="\n", text=text
    )
    return remarks.encode(alt.X("x:Q"), alt.Y("y:Q"))


def setting(result: Result) -> Picture:
    """Draw the codes and the checks without what comes out."""
    data = _cells(result)
    y = _y(len(CODES), FOOT)
    empty = alt.Chart(data).mark_rect(cornerRadius=3, color=colour("grid"))
    marks = [
        {"x": i % len(CHECKS) + 0.5, "y": i // len(CHECKS) + 0.5, "text": "?", "series": "soft"}
        for i in range(len(data))
    ]
    chart = layers(
        empty.encode(_x(), y, alt.X2("x2"), alt.Y2("y2")),
        texts(marks),
        _names([name_of(code) for code in CODES]),
        _heads(result),
    )
    return Picture(chart, "Codes with and without a bug, and five checks")


def checklist(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the five checks of one code: what is wanted, what is measured, how many pass."""
    row = CODES.index(result.config.code)
    values, count = result.measured[row], passed(result)[row].sum(axis=-1)
    better = 1 / result.config.classes + BETTER
    wanted = {
        "first_loss": f"{np.log(result.config.classes):.3f} ± {FIRST}",
        "rise": "more",
        "gradient": f"< {SLOPE:.4f}",
        "overfit": "100%",
        "new_digits": f"> {percent(better)}",
    }
    series = {1: "good", -1: "bad", 0: "other"}
    data = pd.DataFrame(
        {
            "y": np.arange(len(CHECKS)) + 0.06,
            "y2": np.arange(len(CHECKS)) + 0.94,
            "x": 0,
            "x2": 1,
            "series": [series[cell] for cell in cells(result)[row].tolist()],
        }
    )
    rows = [
        {"x": x, "y": i + 0.5, "text": text, "series": data["series"][i]}
        for i, check in enumerate(CHECKS)
        for x, text in (
            (0.17, wanted[check]),
            (0.55, _short(check, float(values[i].mean()))),
            (0.86, f"{count[i]} of {NETWORKS} {'✓' if count[i] == NETWORKS else '✗'}"),
        )
    ]
    heads = [
        {"x": x, "y": -0.4, "text": text, "series": "ink"}
        for x, text in ((0.17, "wanted"), (0.55, "measured"), (0.86, "pass"))
    ]
    names = [HEADS[check][0].replace("\n", " ") for check in CHECKS]
    filled = [name.format(classes=result.config.classes, examples=EXAMPLES) for name in names]
    y = _y(len(CHECKS))
    box = alt.Chart(data).mark_rect(cornerRadius=3, opacity=0.13)
    x = alt.X("x:Q").scale(domain=[0, 1], nice=False).axis(None)
    chart = layers(
        box.encode(x, y, by_meaning(data["series"]), alt.X2("x2"), alt.Y2("y2")),
        _names(filled),
        texts(rows),
        texts(heads, fontWeight="bold"),
        texts(
            [
                {
                    "x": 0,
                    "y": -1.2,
                    "text": f"{name_of(result.config.code)}, mean of {NETWORKS} networks",
                    "series": "ink",
                }
            ],
            align="left",
            style="head",
        ),
    )
    return Picture(chart, "Five checks of one code: what is wanted and what is measured")


def first_loss(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the first loss of correct code against reg: the data loss below, the penalty on top."""
    own = result.config.reg
    regs = sorted({*REGS, own})
    guess, squares = np.log(result.config.classes), float(result.squares.mean())
    data_loss = float(result.measured[0, 0].mean()) - 0.5 * own * squares
    total = [data_loss + 0.5 * reg * squares for reg in regs]
    rows = [
        {"x": i - 0.32, "x2": i + 0.32, "y": low, "y2": high, "series": series}
        for i, loss in enumerate(total)
        for low, high, series in ((0.0, data_loss, "train"), (data_loss, loss, "other"))
    ]
    top = max(t for run in shared for t in (0.5 * REGS[-1] * run.squares.mean(), guess)) + 4
    x = (
        alt.X("x:Q")
        .scale(domain=[-0.6, len(regs) + 0.3], nice=False)
        .axis(**worded({i: number(reg) for i, reg in enumerate(regs)}), grid=False, ticks=False)
        .title("reg")
    )
    y = (
        alt.Y("y:Q")
        .scale(domain=[0, top], nice=False)
        .axis(tickCount=5, domain=False, ticks=False, grid=False)
        .title("loss before training")
    )
    numbers = [
        {"x": i, "y": loss + 0.04 * top, "text": f"{loss:.2f}", "series": "ink"}
        for i, loss in enumerate(total)
    ]
    names = [
        {"x": -0.5, "y": 0.95 * top, "text": "data loss", "series": "train"},
        {"x": -0.5, "y": 0.88 * top, "text": "penalty: 0.5 · reg · sum of W²", "series": "other"},
    ]
    bars = alt.Chart(pd.DataFrame(rows)).mark_rect()
    chart = layers(
        bars.encode(x, y, by_meaning(("train", "other")), alt.X2("x2"), alt.Y2("y2")),
        rule(
            f"ln {result.config.classes} = {guess:.2f}", y=guess, at=len(regs) + 0.3, align="right"
        ),
        texts(numbers, fontWeight="bold"),
        texts(names, align="left", fontWeight="bold"),
    )
    return Picture(chart, "The first loss for several strengths of regularization, in two parts")


VIEWS = {"grid": grid, "checklist": checklist, "loss": first_loss}
SETTING = setting
