"""Train/validation gap: accuracies by epoch with the stop, what each rule ends with, and reg."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts.colours import by_meaning, colour
from core.charts.curves import by_epoch, curves
from core.charts.marks import Align, line_ends, on_phone, remark, rule, texts, worded
from core.charts.picture import Picture, frame, layers
from core.experiments.babysitting.train_val_gap.experiment import (
    EPOCHS,
    REGS,
    SEEDS,
    SPLITS,
    WIDER,
    Result,
    rules,
    stop_early,
    tables,
)
from core.lab.say import count, number, percent

TOP = 1.06  # of the axis of accuracy
NAMES = {"train": "training", "val": "validation", "test": "test"}
MEANING = {"train": "train", "val": "val", "test": "good"}
RULES = {
    "end": ("to the last epoch", "last epoch", "context"),
    "gap": ("back to the smallest gap", "smallest gap", "bad"),
    "stop": ("back to the best validation", "best valid.", "good"),
    "reg": ("last epoch, best reg", "best reg", "good"),
}
PHONE = 330  # px of width inside the axes below which names are short


def _data(result: Result, table: str) -> pd.DataFrame:
    data = frame(tables(result)[table])
    return data.assign(series=data["split"].map(MEANING), line=data["split"].map(NAMES))


def _low(shared: Sequence[Result]) -> float:
    """Return where the axis of accuracy begins: at a tick, with room below the lines."""
    lowest = min(float(run.own[:2, :, 1:].mean(axis=1).min()) for run in shared)
    return max(0.0, np.floor(5 * (lowest - 0.2)) / 5)


def epochs(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw training and validation accuracy by epoch, the gap, the stop and what test says."""
    domain = (_low(shared), TOP)
    data = _data(result, "epochs")
    data = data[(data["split"] != "test") & (data["epoch"] > 0)]
    floored = {f: data[f].clip(lower=domain[0]) for f in ("accuracy", "accuracy low")}
    axes = by_epoch(EPOCHS, "right answers", domain=domain)
    ticks = np.linspace(domain[0], 1, 5).tolist()
    drawn = curves(
        data.assign(**floored),
        x=axes["x"],
        y=axes["y"].axis(format=".0%", values=ticks, grid=False, domain=False, ticks=False),
        dashed=("validation",),
        tooltip=[
            alt.Tooltip("line:N", title="split"),
            alt.Tooltip("epoch:Q"),
            alt.Tooltip("accuracy:Q", format=".1%"),
        ],
    )
    train, val, _ = result.own
    last = {name: float(own[:, -1].mean()) for name, own in (("train", train), ("val", val))}
    ends = {name: (EPOCHS, last[name], f"{NAMES[name]} {percent(last[name])}") for name in last}
    chart = layers(
        drawn,
        _gap(result, last, domain),
        _stop(result, domain),
        line_ends(ends, domain=domain),
    )
    return Picture(chart, "Training and validation accuracy by epoch, and where training stops")


def _gap(result: Result, last: dict[str, float], domain: tuple[float, float]) -> Any:
    """Draw the gap at the end, with its size beside it, or above it where it is small."""
    gap, height = last["train"] - last["val"], domain[1] - domain[0]
    place = pd.DataFrame([{"epoch": EPOCHS, "y": last["val"], "y2": last["train"]}])
    bar = alt.Chart(place).mark_rule(strokeWidth=3)
    if abs(gap) > 0.12 * height:
        y = (last["train"] + last["val"]) / 2
    else:
        above, below = max(last.values()) + 0.1 * height, min(last.values()) - 0.13 * height
        y = above if above < 1 else below
    text = f"gap: {'−' if gap < 0 else ''}{abs(100 * gap):.0f} points"
    row = {"x": 0.98 * EPOCHS, "y": y, "text": text, "series": "soft"}
    return layers(
        bar.encode(alt.X("epoch:Q"), alt.Y("y:Q"), alt.Y2("y2")),
        texts([row], align="right"),
    )


def _stop(result: Result, domain: tuple[float, float]) -> Any:
    """Mark where early stopping goes back to, and what the test digits say there and at the end."""
    stops, ended = stop_early(result.own[1], result.config.patience), rules(result)
    stop, end = (float(ended[name].mean()) for name in ("stop", "end"))
    at, (low, high) = round(float(np.median(stops))), domain
    lines_are_low = result.own[0, :, -1].mean() < low + 0.5 * (high - low)
    line = 0.075 * (high - low)
    y = low + (0.7 if lines_are_low else 0.16) * (high - low)
    left = at < EPOCHS / 2
    x = at + 1 if left else at - 1
    better, worse = ("good", "bad") if stop > end else ("bad", "good")
    rows = [
        {"x": x, "y": y + line, "text": f"best: epoch {at}", "series": "ink"},
        {"x": x, "y": y, "text": f"test {percent(stop)}", "series": better},
    ]
    last = [
        {"x": EPOCHS, "y": y + line, "text": f"epoch {EPOCHS}", "series": "ink"},
        {"x": EPOCHS, "y": y, "text": f"test {percent(end)}", "series": worse},
    ]
    align: Align = "left" if left else "right"
    reason = _reason(result, stop < end)
    places = pd.DataFrame(
        {"epoch": [at, EPOCHS], "accuracy": [stop, end], "series": [better, worse]}
    )
    dots = alt.Chart(places).mark_point(size=150)
    return layers(
        rule("", x=at),
        dots.encode(alt.X("epoch:Q"), alt.Y("accuracy:Q"), by_meaning(places["series"])),
        texts(rows, align=align, fontWeight="bold"),
        texts(last, align="right", dx=-4, fontWeight="bold"),
        remark(reason, x, y - line, align=align) if reason else None,
    )


def _reason(result: Result, goes_on: bool) -> str:
    """Say what the network learns after the stop, where that can be told."""
    train, config = result.own[0, :, -1].mean(), result.config
    if np.isfinite(result.wider).all() and train < 0.9:
        units = count(WIDER * config.hidden, "unit", "units")
        return f"{units}: test {percent(result.wider[2].mean())}"
    if config.noise and train > 1 - config.noise / 2:
        return "then wrong labels are memorized"
    if not config.noise and train > 0.99 and goes_on:
        return "no wrong labels: learning goes on"
    return ""


def by_rule(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the accuracy on test digits that each rule ends with, sorted."""
    ended = rules(result)
    means = {name: float(ended[name].mean()) for name in RULES}
    order = sorted(RULES, key=lambda name: means[name])
    rows = [
        {
            "x": 0,
            "x2": means[name],
            "y": i + 0.15,
            "y2": i + 0.85,
            "series": RULES[name][2],
            "wide": RULES[name][0],
            "phone": RULES[name][1],
        }
        for i, name in enumerate(order)
    ]
    data = pd.DataFrame(rows)
    x = (
        alt.X("x:Q")
        .scale(domain=[0, 1], nice=False)
        .axis(format=".0%", tickCount=5, grid=False, domain=False)
    )
    y = alt.Y("y:Q").scale(domain=[0, len(order)], nice=False).axis(None)
    middle = data.assign(y=(data["y"] + data["y2"]) / 2)
    name = alt.Chart(middle).mark_text(
        align="left",
        baseline="middle",
        dx=8,
        fontWeight="bold",
        color=colour("ground"),
        text=on_phone("datum.phone", "datum.wide", PHONE),
    )
    values = [
        {"x": means[n], "y": i + 0.5, "text": f"{means[n]:.1%}", "series": RULES[n][2]}
        for i, n in enumerate(order)
    ]
    chart = layers(
        alt.Chart(data)
        .mark_rect()
        .encode(
            x.title(f"right on test digits (mean of {SEEDS} networks)"),
            y,
            by_meaning(data["series"]),
            alt.X2("x2"),
            alt.Y2("y2"),
        ),
        name.encode(alt.X("x:Q"), alt.Y("y:Q")),
        texts(values, align="left", dx=8, fontWeight="bold"),
    )
    return Picture(chart, "Accuracy on test digits by the rule that ends training")


def strengths(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the accuracy of all three splits at the end against the strength of regularization."""
    data = _data(result, "reg")
    place = {reg: i for i, reg in enumerate(REGS)}
    data = data.assign(place=data["reg"].map(place))
    x = (
        alt.X("place:Q")
        .scale(domain=[0, len(REGS) - 1], nice=False)
        .axis(**worded({float(i): number(reg) for reg, i in place.items()}), grid=False)
        .title("reg")
    )
    domain = (max(0.0, float(min(r.by_epoch[..., -1].min() for r in shared)) - 0.05), TOP)
    y = (
        alt.Y("accuracy:Q")
        .scale(domain=domain, nice=False)
        .axis(format=".0%", tickCount=5, domain=False, ticks=False)
        .title(f"right answers after {EPOCHS} epochs")
    )
    end = result.by_epoch[..., -1].mean(axis=-1)[:, -1]
    ends = {
        MEANING[split]: (len(REGS) - 1, float(value), NAMES[split])
        for split, value in zip(SPLITS, end)
    }
    counts = np.bincount(result.by_epoch[1, :, :, -1].argmax(axis=0), minlength=len(REGS))
    best = int(counts.argmax())
    chart = layers(
        curves(data, x=x, y=y, points=True, dashed=("validation",)),
        rule(
            f"chosen by {counts[best]} of {SEEDS}",
            x=best,
            at=domain[0] + 0.04,
            align="right" if best > 2 else "left",
        ),
        line_ends(ends, domain=domain),
    )
    return Picture(chart, "Accuracy of three splits against the strength of regularization")


VIEWS = {"epochs": epochs, "rules": by_rule, "reg": strengths}
