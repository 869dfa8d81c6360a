"""Nonlinearity: what a linear and a nonlinear stack predict in the plane, and by epoch."""

from collections.abc import Iterable, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts import plane
from core.charts.colours import colour
from core.charts.columns import Columns
from core.charts.curves import by_epoch, curves
from core.charts.marks import read_ends, remark, texts
from core.charts.picture import Picture, frame, layers
from core.experiments.activations.nonlinearity.experiment import (
    EPOCHS,
    GAIN,
    STACKS,
    STARTS,
    Result,
    by_luck,
    reached,
    tables,
)
from core.lab.say import percent
from core.lab.words import name_of

CROSS = "M-0.5,-0.5L0.5,0.5M-0.5,0.5L0.5,-0.5"  # an SVG path
ABOVE, BELOW = 0.19, 0.15  # room for heads and reasons, of a plane's height


def planes(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the classes and borders of both stacks, the linear one's exactly."""
    config, extent = result.config, result.extent
    cases = ("linear", config.activation)
    columns = plane.planes(extent, cases)
    left, right = (columns.shift(case) for case in cases)
    linear, nonlinear = (accuracy[result.drawn] for accuracy in reached(result))
    grounds = []
    if np.isfinite(linear):
        straight = plane.affine_borders(result.weight, result.bias, extent)
        grounds += [
            plane.affine_regions(result.weight, result.bias, extent, left),
            plane.drawn(straight, "linear", left),
        ]
    if np.isfinite(nonlinear):
        bent = plane.borders(result.logits, extent)
        grounds += [
            plane.regions(result.logits.argmax(axis=-1), extent, right),
            plane.drawn(bent, config.activation, right),
        ]
    name = name_of(config.activation)
    one = "1 line" if len(result.bias) == 2 else "1 layer"
    key = " (× = wrong)" if linear < 1 else ""
    heads = {
        "linear": f"{_layers(config.depth, 'linear')} = {one}:\n{_share(linear)}{key}",
        config.activation: f"{_layers(config.depth, name)}:\n{_range(result)}",
    }
    chart = layers(
        plane.frames(columns, above=ABOVE, below=BELOW),
        *grounds,
        *(plane.points(result.x, result.y, shift) for shift in (left, right)),
        _wrong(result, left, right),
        columns.heads(heads, extent * 1.24),
        _reasons(columns, extent, result),
    )
    return Picture(chart, "What a linear and a nonlinear network predict in the plane")


def _wrong(result: Result, left: float, right: float) -> Any:
    """Cross out the points on the wrong side of the drawn borders."""
    cells = len(result.logits)
    column, row = ((result.x / result.extent + 1) / 2 * cells).astype(int).clip(0, cells - 1).T
    predicted = {
        left: (result.x @ result.weight + result.bias).argmax(axis=-1),
        right: result.logits[row, column].argmax(axis=-1),
    }
    linear, nonlinear = (accuracy[result.drawn] for accuracy in reached(result))
    places = [
        result.x[labels != result.y] + (shift, 0)
        for (shift, labels), accuracy in zip(predicted.items(), (linear, nonlinear))
        if accuracy < 1  # False also of one that diverged
    ]
    if not places:
        return None
    data = pd.DataFrame(np.concatenate(places), columns=["x", "y"])
    crosses = alt.Chart(data).mark_point(
        shape=CROSS, size=150, strokeWidth=2, filled=False, color=colour("ink")
    )
    return crosses.encode(alt.X("x:Q"), alt.Y("y:Q"))


def _layers(depth: int, kind: str) -> str:
    return f"{depth} {kind} layer" + "s" * (depth > 1)


def _share(accuracy: float) -> str:
    """Write an accuracy; a network that diverged has none."""
    return f"{percent(accuracy)} right" if np.isfinite(accuracy) else "diverged"


def _range(result: Result) -> str:
    """Write the nonlinear network's accuracy, from worst to best start where they differ a lot."""
    nonlinear = reached(result)[1]
    low, high = nonlinear.min(), nonlinear.max()
    if by_luck(nonlinear):
        return f"{percent(low)} to {_share(high)}"
    return _share(nonlinear[result.drawn])


def _reasons(columns: Columns, extent: float, result: Result) -> Any:
    """Say below each plane why its border is as it is."""
    linear, nonlinear = reached(result)
    bent = "every unit can add\na bend"
    if not nonlinear[result.drawn] > linear[result.drawn] + GAIN:
        bent = "it could bend,\nbut did not learn to"
    elif by_luck(nonlinear):
        bent = f"drawn: the middle one\nof {STARTS} starts"
    why = {
        "linear": "multiplied out, all layers\nare one linear layer",
        result.config.activation: bent,
    }
    return texts(
        [
            {"x": columns.shift(case), "y": -extent * 1.1, "text": text, "series": "soft"}
            for case, text in why.items()
        ],
        style="remark",
    )


def epochs(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw both stacks' accuracy by epoch: the drawn start's as a line, all starts' as a band."""
    kinds = dict(zip(STACKS, ("linear", result.config.activation)))
    data = frame(tables(result)["epochs"]).dropna()
    data["series"] = data["stack"].map(kinds)
    data["name"] = data["series"].map(name_of)
    domain = 0.0, 1.02
    chart = layers(
        curves(
            data,
            **by_epoch(EPOCHS, "points predicted right", domain=domain),
            tooltip=[
                alt.Tooltip("name:N"),
                alt.Tooltip("epoch:Q"),
                alt.Tooltip("accuracy:Q", format=".1%"),
            ],
        ),
        *_ends(result, kinds.values(), domain),
        remark(
            f"line: the start drawn in the plane\nband: the range of {STARTS} starts",
            EPOCHS * 0.4,
            0.17,
        ),
    )
    return Picture(chart, "Training accuracy by epoch without and with a nonlinearity")


def _ends(result: Result, kinds: Iterable[str], domain: tuple[float, float]) -> list[Any]:
    """Name the lines of what did not diverge, and the linear one's best epoch."""
    last = dict(zip(kinds, result.accuracy[:, result.drawn, -1].tolist()))
    names = {kind: name_of(kind) for kind in last}
    best = result.accuracy[0, result.drawn, result.best]
    names[result.config.activation] += f" {_share(last[result.config.activation])}".removesuffix(
        " right"
    )
    marked = []
    if np.isfinite(best):
        text = f"best epoch: {_share(best)}"
        row = {"x": result.best, "y": best + 0.05, "text": text, "series": "linear"}
        marked.append(texts([row], align="left", fontWeight="bold"))
    finite = {k: (EPOCHS, y, names[k]) for k, y in last.items() if np.isfinite(y)}
    return [*marked, *([read_ends(finite, domain=domain)] if finite else [])]


def setting(result: Result) -> Picture:
    """Draw the points to be learned."""
    columns = plane.planes(result.extent, ["points"])
    chart = layers(plane.frames(columns), plane.points(result.x, result.y))
    return Picture(chart, "The points of the classes in the plane")


VIEWS = {"planes": planes, "epochs": epochs}
SETTING = setting
