"""Zero-centred inputs: the two descents in the weight plane, and what the offset does."""

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts.panel import HALF_HEIGHT, HEIGHT, Panel, family, frame
from core.experiments.activations.zero_centering import (
    BATCHES,
    CONVERGED,
    TARGET,
    Result,
    tables,
)

LEVELS = np.array([0.1, 0.4, 0.9, 1.6, 2.5, 3.6]) / 2
BATCH_NAMES = [str(batch) for batch in BATCHES]
CASES = ("zero-centred", "positive", "shifted")
W1, W2 = (-0.7, 2.3), (-2.0, 0.8)


def chart(results: dict[str, Result]) -> list[list[Panel]]:
    """Draw the plane of the weights for both inputs, agreement by mean, reachable patterns."""
    result = list(results.values())[-1]
    centred = [(result, 0, "zero-centred inputs")] if len(results) == 1 else []
    chosen = [(r, 1, _case_title(r, label, len(results))) for label, r in results.items()]
    return [
        *(
            [Panel(plane(r, case, title), f"Path of descent, {title}")]
            for r, case, title in centred + chosen
        ),
        [
            Panel(agreement(result), "Share of updates with equal signs by input mean"),
            Panel(patterns(result), "Share of sign patterns reached by number of weights"),
        ],
    ]


def _case_title(result: Result, label: str, runs: int) -> str:
    config = result.config
    if runs > 1:
        return label
    return "all-positive inputs" if config.inputs == "positive" else "shifted inputs"


def plane(result: Result, case: int, title: str) -> Any:
    """Draw one descent over the loss contours; each quadrant is shaded by its share of updates."""
    x = alt.X("w1:Q").scale(domain=W1, clamp=True).title("w1")
    y = alt.Y("w2:Q").scale(domain=W2, clamp=True).title("w2")
    path = pd.DataFrame(tables(result)["path"])[case * len(result.path[0]) :][: len(result.path[0])]
    path = path[: int(_last_step(result, case)) + 1]
    name = CASES[0] if case == 0 else result.config.inputs
    contours = (
        alt.Chart(_contours(result.hessian[case]))
        .mark_line(opacity=0.35, strokeWidth=1, clip=True)
        .encode(x, y, detail="level:N", order="angle:Q", color=alt.value("gray"))
    )
    ideal = (
        alt.Chart(pd.DataFrame({"w1": [0, TARGET[0]], "w2": [0, TARGET[1]]}))
        .mark_line(strokeDash=[5, 4], color="gray", clip=True)
        .encode(x, y)
    )
    walked = (
        alt.Chart(path.assign(series=name))
        .mark_line(clip=True, point={"size": 14, "filled": True}, strokeWidth=1.5)
        .encode(
            x,
            y,
            order="step:Q",
            color=family(CASES).legend(None),
            tooltip=[
                "step:Q",
                alt.Tooltip("w1:Q", format=".3f"),
                alt.Tooltip("w2:Q", format=".3f"),
            ],
        )
    )
    ends = (
        alt.Chart(
            pd.DataFrame({"w1": [0, TARGET[0]], "w2": [0, TARGET[1]], "end": ["start", "target"]})
        )
        .mark_point(size=110, filled=True, color="gray", opacity=1)
        .encode(x, y, shape=alt.Shape("end:N").scale(range=["circle", "diamond"]).legend(None))
    )
    return alt.layer(
        *_quadrants(result.quadrants[case], x, y), contours, ideal, walked, ends
    ).properties(height=HEIGHT, title=title)


def _last_step(result: Result, case: int) -> int:
    distance = np.linalg.norm(result.path[case] - TARGET, axis=-1)
    reached = np.flatnonzero(distance <= CONVERGED * distance[0])
    return reached[0] if len(reached) else len(distance) - 1


def _contours(hessian: np.ndarray) -> pd.DataFrame:
    """Return the level sets of the loss 0.5 e'He around the target: ellipses, as lines."""
    values, vectors = np.linalg.eigh(hessian)
    angle = np.linspace(0, 2 * np.pi, 49)
    circle = np.stack([np.cos(angle), np.sin(angle)])
    around = vectors @ (circle / np.sqrt(np.maximum(values, 1e-12))[:, None])
    rings = [TARGET[:, None] + np.sqrt(2 * level) * around for level in LEVELS]
    return pd.concat(
        frame({"w1": ring[0], "w2": ring[1], "angle": angle}, level=f"{level:g}")
        for ring, level in zip(rings, LEVELS, strict=True)
    )


def _quadrants(shares: np.ndarray, x: alt.X, y: alt.Y) -> list[alt.Chart]:
    corners = [(W1[1], W2[1]), (W1[0], W2[1]), (W1[0], W2[0]), (W1[1], W2[0])]
    data = pd.DataFrame(
        {
            "w1": [0.0] * 4,
            "w2": [0.0] * 4,
            "x2": [c[0] for c in corners],
            "y2": [c[1] for c in corners],
            "lx": [W1[0] + (W1[1] - W1[0]) * (0.98 if c[0] == W1[1] else 0.02) for c in corners],
            "ly": [W2[0] + (W2[1] - W2[0]) * (0.96 if c[1] == W2[1] else 0.04) for c in corners],
            "share": shares,
            "label": [f"{share:.0%}" for share in shares],
            "align": ["right" if c[0] == W1[1] else "left" for c in corners],
        }
    )
    base = alt.Chart(data)
    shade = base.mark_rect(color="gray").encode(
        x,
        y,
        x2="x2",
        y2="y2",
        opacity=alt.Opacity("share:Q").scale(domain=[0, 1], range=[0, 0.4]).legend(None),
    )
    labels = [
        base.transform_filter(alt.datum.align == side)
        .mark_text(align=side, baseline="middle")
        .encode(alt.X("lx:Q").scale(domain=W1), alt.Y("ly:Q").scale(domain=W2), text="label:N")
        for side in ("left", "right")
    ]
    return [shade, *labels]


def agreement(result: Result) -> Any:
    """Draw the share of updates with equal signs against the input mean, per batch size."""
    data = pd.DataFrame(tables(result)["agreement"])
    data["batch size"] = data["batch_size"].astype(str)
    lines = (
        alt.Chart(data)
        .mark_line(point=True)
        .encode(
            alt.X("mean:Q").title("input mean"),
            alt.Y("agreement:Q").scale(domain=[0, 1]).axis(format=".0%").title(None),
            alt.Color("batch size:O").sort(BATCH_NAMES).title("batch"),
            alt.StrokeDash("batch size:O").sort(BATCH_NAMES).title("batch"),
            tooltip=["batch size", "mean", alt.Tooltip("agreement:Q", format=".1%")],
        )
    )
    half = (
        alt.Chart(pd.DataFrame({"y": [0.5]}))
        .mark_rule(strokeDash=[3, 3], color="gray")
        .encode(y="y:Q")
    )
    return alt.layer(half, lines).properties(height=HALF_HEIGHT, title="Updates with equal signs")


def patterns(result: Result) -> Any:
    """Draw the share of the 2^d sign patterns that single examples' gradients reach."""
    data = pd.DataFrame(tables(result)["patterns"])
    return (
        alt.Chart(data.rename(columns={"inputs": "series"}))
        .mark_line(point=True)
        .encode(
            alt.X("dimension:O").title("weights of the unit").axis(labelAngle=0),
            alt.Y("share:Q")
            .scale(type="log", domain=[0.001, 1.2])
            .axis(values=[0.001, 0.01, 0.1, 1], format=".1%")
            .title(None),
            family(CASES).legend(None),
            tooltip=["series", "dimension", alt.Tooltip("share:Q", format=".2%")],
        )
        .properties(height=HALF_HEIGHT, title="Sign patterns reached (log)")
    )
