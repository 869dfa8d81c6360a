"""The plane of two inputs: which class a network predicts where, its borders, and the points.

Segments are arrays (segments, end, coordinate), paths lists of arrays (points, coordinate).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts.colours import by_meaning, colour
from core.charts.columns import Columns

Array = np.ndarray

SHAPES = ("circle", "triangle-up", "diamond")
MUTED = 0.22  # opacity of a class's ground


def planes(extent: float, cases: Iterable[str]) -> Columns:
    """Return columns of square planes from -extent to extent, one per case."""
    return Columns(tuple(cases), -extent, extent)


def frames(columns: Columns, *, above: float = 0, below: float = 0) -> Any:
    """Draw the outlines of planes, with room above and below for what is written there.

    above, below: in shares of a plane's height.
    """
    extent = columns.high
    domain = [-extent * (1 + 2 * below), extent * (1 + 2 * above)]
    return (
        alt.Chart(columns.frames(-extent, extent))
        .mark_rect(fill=None, stroke=colour("context"))
        .encode(
            columns.x(title="input 1", ticks={}),
            alt.Y("y:Q")
            .scale(domain=domain, nice=False, zero=False)
            .axis(values=[], domain=False)
            .title("input 2"),
            alt.X2("x2"),
            alt.Y2("y2"),
        )
    )


def classes(labels: Array) -> list[str]:
    """Return the meaning of each class label: "class 0"."""
    return [f"class {label}" for label in labels]


def points(x: Array, y: Array, shift: float = 0) -> Any:
    """Draw points (samples, 2) with their classes (samples,), told by colour and shape."""
    data = pd.DataFrame({"x": x[:, 0] + shift, "y": x[:, 1], "series": classes(y)})
    data["class"] = data["series"]  # of the shapes, whose scale is their own
    names = sorted(set(data["series"]))
    shape = alt.Scale(domain=names, range=list(SHAPES[: len(names)]))
    return (
        alt.Chart(data)
        .mark_point(size=30, opacity=0.9, filled=True, clip=True)
        .encode(
            alt.X("x:Q"),
            alt.Y("y:Q"),
            by_meaning(names),
            shape=alt.Shape("class:N").scale(shape).legend(None),
        )
    )


def regions(predicted: Array, extent: float, shift: float = 0) -> Any:
    """Draw the class (cells, cells) predicted in each cell of the square, rows from below.

    Cells of one class that touch in a row are drawn as one rectangle.
    """
    cells = len(predicted)
    side = 2 * extent / cells
    rows = []
    for row, labels in enumerate(predicted):
        edges = np.flatnonzero(np.diff(labels, prepend=-1, append=-1))
        for start, stop in zip(edges[:-1], edges[1:]):
            rows.append((start, stop, row, labels[start]))
    start, stop, row, label = np.array(rows).T
    data = pd.DataFrame(
        {
            "x": start * side - extent + shift,
            "x2": stop * side - extent + shift,
            "y": row * side - extent,
            "y2": (row + 1) * side - extent,
            "series": classes(label),
        }
    )
    return (
        alt.Chart(data)
        .mark_rect(opacity=MUTED, clip=True)
        .encode(
            alt.X("x:Q"),
            alt.X2("x2"),
            alt.Y("y:Q"),
            alt.Y2("y2"),
            by_meaning(sorted(data["series"])),
        )
    )


def borders(scores: Array, extent: float) -> list[Array]:
    """Return paths along which the two greatest scores are equal, interpolated between cells.

    scores: (cells, cells, classes) at the middles of the cells of a square, rows from below.
    """
    lines = []
    for label in range(scores.shape[-1] - 1):
        others = np.delete(scores, label, axis=-1).max(axis=-1)
        lines.append(zero_line(scores[..., label] - others, extent))
    return chained(np.concatenate(lines))


def zero_line(values: Array, extent: float) -> Array:
    """Return segments where values (cells, cells), known at the middles of cells, pass through 0.

    Each square of four middles is cut into two triangles, and a sign that one corner of a triangle
    has alone is parted from the other two by one segment (marching triangles).
    """
    axis = ((np.arange(len(values)) + 0.5) / len(values) * 2 - 1) * extent
    at = np.stack([*np.meshgrid(axis, axis), values], axis=-1)  # x, y, value
    a, b, c, d = at[:-1, :-1], at[:-1, 1:], at[1:, :-1], at[1:, 1:]
    corners = np.stack([[a, b, d], [a, c, d]]).transpose(0, 2, 3, 1, 4).reshape(-1, 3, 3)
    positive = corners[..., 2] > 0
    count = positive.sum(axis=-1)
    lone = (positive == (count == 1)[:, None]).argmax(axis=-1)
    cut = np.flatnonzero((count == 1) | (count == 2))
    tip = corners[cut, lone[cut]]
    ends = []
    for other in (1, 2):
        base = corners[cut, (lone[cut] + other) % 3]
        share = tip[:, 2:] / (tip[:, 2:] - base[:, 2:])
        ends.append(tip[:, :2] + share * (base[:, :2] - tip[:, :2]))
    return np.stack(ends, axis=1)


def chained(ends: Array) -> list[Array]:
    """Join segments that meet into paths; a segment that is there twice is taken once."""
    places, which = np.unique(ends.reshape(-1, 2).round(9), axis=0, return_inverse=True)
    meeting: dict[int, set[int]] = defaultdict(set)
    for one, other in which.reshape(-1, 2).tolist():
        if one != other:
            meeting[one].add(other)
            meeting[other].add(one)
    paths = []
    for start in sorted(meeting, key=lambda place: len(meeting[place]) == 2):  # open ends first
        while meeting[start]:
            path = [start]
            while meeting[path[-1]]:
                path.append(meeting[path[-1]].pop())
                meeting[path[-1]].discard(path[-2])
            paths.append(places[path])
    return paths


def clipped(normal: Array, offset: float, normals: Array, offsets: Array) -> Array | None:
    """Return the ends (2, 2) of the line normal @ x + offset = 0 inside half-planes, None outside.

    The half-planes are normals @ x + offsets >= 0, (planes, 2) and (planes,).
    """
    length = np.linalg.norm(normal)
    if not (np.isfinite(length + offset) and length > 0):
        return None
    point, along = -offset * normal / length**2, np.array([-normal[1], normal[0]]) / length
    speed, room = normals @ along, normals @ point + offsets
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = -room / speed
    start = reach[speed > 0].max(initial=-np.inf)
    stop = reach[speed < 0].min(initial=np.inf)
    if start >= stop or (room[speed == 0] < 0).any():
        return None
    return np.stack([point + start * along, point + stop * along])


def square(extent: float) -> tuple[Array, Array]:
    """Return the square from -extent to extent as half-planes: normals (4, 2), offsets (4,)."""
    return np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]), np.full(4, extent)


def lines(normals: Array, offsets: Array, extent: float) -> Array:
    """Return the segments of lines normals @ x + offsets = 0 that lie in the square."""
    inside = [clipped(n, float(c), *square(extent)) for n, c in zip(normals, offsets)]
    return np.array([ends for ends in inside if ends is not None]).reshape(-1, 2, 2)


def affine_sides(weight: Array, bias: Array, label: int, extent: float) -> tuple[Array, Array]:
    """Return the segments around the part of the square where x @ weight + bias says a class.

    Those that it shares with other classes, and those on the square's edge, the whole polygon
    together; weight: (2, classes), bias: (classes,).
    """
    normals, offsets = square(extent)
    others = np.arange(len(bias)) != label
    normals = np.concatenate([(weight[:, [label]] - weight[:, others]).T, normals])
    offsets = np.concatenate([bias[label] - bias[others], offsets])
    found: tuple[list[Array], list[Array]] = ([], [])
    for i, (normal, offset) in enumerate(zip(normals, offsets)):
        ends = clipped(normal, float(offset), np.delete(normals, i, 0), np.delete(offsets, i))
        if ends is not None:
            found[int(i >= others.sum())].append(ends)
    shared, edge = (np.array(part).reshape(-1, 2, 2) for part in found)
    return shared, edge


def affine_borders(weight: Array, bias: Array, extent: float) -> list[Array]:
    """Return the paths between an affine map's classes, exactly straight."""
    sides = [affine_sides(weight, bias, label, extent)[0] for label in range(len(bias))]
    return chained(np.concatenate(sides))


def affine_regions(weight: Array, bias: Array, extent: float, shift: float = 0) -> Any:
    """Draw the classes that an affine map predicts as the exact polygons that they are."""
    parts = []
    for label in range(len(bias)):
        corners = np.concatenate(affine_sides(weight, bias, label, extent)).reshape(-1, 2)
        if len(corners):
            away = corners - corners.mean(axis=0)
            corners = corners[np.argsort(np.arctan2(away[:, 1], away[:, 0]))]
            part = {"x": corners[:, 0] + shift, "y": corners[:, 1], "series": f"class {label}"}
            parts.append(pd.DataFrame(part).assign(corner=range(len(corners))))
    data = pd.concat(parts)
    return (
        alt.Chart(data)
        .mark_line(filled=True, opacity=MUTED, strokeWidth=0)
        .encode(alt.X("x:Q"), alt.Y("y:Q"), alt.Order("corner:Q"), by_meaning(data["series"]))
    )


def drawn(paths: Sequence[Array], meaning: str, shift: float = 0, **mark: Any) -> Any:
    """Draw paths in the colour of a meaning."""
    rows = [
        {"x": x + shift, "y": y, "path": number, "point": point}
        for number, path in enumerate(paths)
        for point, (x, y) in enumerate(path.tolist())
    ]
    data = pd.DataFrame(rows, columns=["x", "y", "path", "point"])
    return (
        alt.Chart(data)
        .mark_line(color=colour(meaning), **{"strokeWidth": 3.5, **mark})
        .encode(alt.X("x:Q"), alt.Y("y:Q"), alt.Detail("path:N"), alt.Order("point:Q"))
    )
