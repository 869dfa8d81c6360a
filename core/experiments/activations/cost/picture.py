"""Cost: how long a layer takes with each activation, and how much of it is the matrix product."""

from collections.abc import Collection, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts.colours import by_meaning, colour
from core.charts.picture import Picture, frame, layers
from core.experiments.activations.cost.experiment import (
    COMPARED,
    FUNCTIONS,
    NO_EXP,
    Result,
    tables,
)
from core.lab.say import number, percent
from core.lab.words import name_of

ROOM = 0.6  # part of the longest bar in which "matrix product" and its share can be written


def _data(result: Result, by: str, functions: Collection[str] = FUNCTIONS) -> pd.DataFrame:
    """Return a row per function, the greatest first; those that findings name have colours."""
    data = frame(tables(result)["times"]).sort_values(by, ascending=False)
    data = data[data["function"].isin(functions)].reset_index(drop=True)
    return data.assign(
        series=data["function"].where(data["function"].isin(COMPARED), "context"),
        name=data["function"].map(_name),
    )


def _name(function: str) -> str:
    needs = {"softplus": " (exp, log)"} | dict.fromkeys(NO_EXP, "")
    return name_of(function) + needs.get(function, " (exp)")


def _rows(names: Sequence[str]) -> Any:
    axis = alt.Axis(domain=False, ticks=False, labelColor=colour("ink"))
    return alt.Y("name:N").scale(domain=list(names)).axis(axis).title(None)


def _bars(data: pd.DataFrame, names: Sequence[str]) -> Any:
    return alt.Chart(data).encode(
        _rows(names),
        tooltip=[
            alt.Tooltip("name:N", title="function"),
            alt.Tooltip("microseconds:Q", format=".1f", title="activation, microseconds"),
            alt.Tooltip("matrix product:Q", format=".1f", title="matrix product, microseconds"),
        ],
    )


def _layer(result: Result, shared: Sequence[Result], functions: Collection[str]) -> Picture:
    """Draw a layer's time as a bar per function: the matrix product, then the activation."""
    data = _data(result, "whole layer", functions)
    places = [FUNCTIONS.index(name) for name in functions]
    most = max(float(np.median(each.slowdown[:, places], axis=0).max()) for each in shared)
    data["product"] = data["whole layer"] * (1 - data["share"])
    rest = (1 - data["share"]).map(percent)
    few = len(functions) == len(COMPARED)
    named = few and data["product"].min() > ROOM * most
    data["rest"] = ("matrix product " if named else "") + rest
    data["said"] = data["whole layer"].map("{:.2f} ×".format)
    names = ["", *data["name"]]  # a row above the bars for the reason
    count = f"3 · {number(result.config.width)}"  # of one product forward and two backward
    why = (
        f"grey: matrix product, {count} multiplications\nfor each output; colour: one activation"
        if few
        else "grey: matrix product and its share"  # rows are too low for two lines
    )
    base = _bars(data, names)
    x = alt.X("product:Q").scale(domain=[0, most], nice=False)
    axis = x.axis(values=[0, 1, *range(2, int(most) + 1)], format="d", grid=False)
    chart = layers(
        base.mark_bar(color=colour("grid")).encode(
            axis.title("time of the whole layer (with ReLU = 1)")
        ),
        base.mark_bar().encode(
            alt.X("product:Q"), alt.X2("whole layer:Q"), by_meaning(data["series"])
        ),
        base.mark_text(align="left", dx=6, fontWeight="bold").encode(
            alt.X("whole layer:Q"), alt.Text("said:N")
        ),
        base.mark_text(align="left", dx=8, color=colour("ink")).encode(
            alt.XDatum(0), alt.Text("rest:N")
        ),
        alt.Chart(pd.DataFrame([{"name": "", "text": why}]))
        .mark_text(
            align="left", baseline="middle", lineBreak="\n", style="remark", color=colour("soft")
        )
        .encode(_rows(names), alt.XDatum(0), alt.Text("text:N")),
    )
    return Picture(chart, "Time of a whole layer with each activation, the matrix product in grey")


def share(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the whole layer's time with the functions that findings speak of."""
    return _layer(result, shared, COMPARED)


def everything(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the whole layer's time with every function."""
    return _layer(result, shared, FUNCTIONS)


def ratio(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the time of every activation as a multiple of ReLU's."""
    data = _data(result, "ratio")
    most = max(np.median(each.ratio, axis=0).max() for each in shared)
    x = (
        alt.X("ratio:Q")
        .scale(domain=[0, float(most)], nice=False)
        .axis(tickCount=5, format="d", grid=False)
        .title("time of the activation alone (ReLU = 1)")
    )
    base = _bars(data.assign(said=data["ratio"].map(number) + " ×"), list(data["name"]))
    chart = layers(
        base.mark_bar().encode(x, by_meaning(data["series"])),
        base.mark_text(align="left", dx=6, fontWeight="bold").encode(
            alt.X("ratio:Q"), alt.Text("said:N")
        ),
    )
    return Picture(chart, "Time of each activation as a multiple of ReLU's, a bar each")


VIEWS = {"share": share, "ratio": ratio, "all": everything}
