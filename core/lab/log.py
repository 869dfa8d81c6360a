"""A training log of a visitor's own: CSV or JSON as people have it, read with suspicion.

What is looked for: a loss and an accuracy, of training and of validation, by epoch or step. Other
columns are left alone. UploadError says in one sentence what is wrong with a file.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.lab.doctor import Curves
from core.lab.say import count
from core.lab.upload import UploadError, cells_of, clean, text_of

Array = np.ndarray
Row = Mapping[str, Any]  # column -> cell

LEAST = 2  # values of a curve
MOST_MOMENTS = 400  # of a curve; longer ones are averaged in parts
PERCENT = 1.5  # accuracies whose largest is above this are in percent
NESTED = 3  # levels of names in JSON
LARGEST = 1e15  # of an epoch or step
GAPS = ("", "na", "n/a", "none", "null", "-")  # cells without a value, in any case

# What the words of a column's name mean; a name may have others.
LOSS = {"loss", "nll", "cost", "crossentropy"}
ACCURACY = {"acc", "accuracy", "acc1", "top1"}
VAL = {"val", "valid", "validation", "eval", "evaluation", "test", "testing", "dev"}
TRAIN = {"train", "training", "trn"}
EPOCH = ("epoch", "epochs")
STEP = ("step", "steps", "global step", "iter", "iters", "iteration", "iterations", "batch")
JOINED = re.compile(r"^(train|training|val|valid|validation|test|eval)(loss|acc|accuracy)$")
NAMES = ("train_loss", "val_loss", "train_accuracy", "val_accuracy")
SCALAR = {"wall time", "step", "value"}  # the columns of a curve exported by TensorBoard


@dataclass(frozen=True, eq=False)
class Log:
    """A run of a visitor's own. unit: of curves.epoch: "epoch", "step" or "row".

    columns: which column each curve was taken from.
    """

    name: str
    curves: Curves
    unit: str
    columns: Mapping[str, str]


def read_log(name: str, content: bytes) -> Log:
    """Read a log; UploadError for what cannot be used."""
    text = text_of(content, welcome=("JSON",)).strip()
    rows = list(_json_rows(text) if text[0] in "{[" else _csv_rows(text))
    names = list(dict.fromkeys(column for row in rows for column in row))
    if {_spaced(column) for column in names} == SCALAR:
        rows, names = _scalar(name, rows)
    columns = _columns(names, rows)
    if not columns:
        raise UploadError(
            "No column is a loss or an accuracy; usual names are loss, val_loss, accuracy and "
            "val_accuracy."
        )
    unit, at = _axis(names, rows)
    found = {curve: _points(rows, at, column) for curve, column in columns.items()}
    return Log(clean(name), _curves(found, columns), unit, columns)


def _csv_rows(text: str) -> Iterator[Row]:
    header, rows = cells_of(text, LEAST)
    for row in rows:
        yield dict(zip(header, row))


def _json_rows(text: str) -> Iterator[Row]:
    """Yield the rows of JSON lines, of a list, of columns by name, or of a "log_history"."""
    try:
        whole = json.loads(text)
    except RecursionError:
        raise UploadError("The JSON is nested too deeply.") from None
    except ValueError:
        whole = [_json_line(i, line) for i, line in enumerate(text.splitlines(), 1) if line.strip()]
    if isinstance(whole, dict) and isinstance(whole.get("log_history"), list):
        whole = whole["log_history"]
    if isinstance(whole, dict) and any(isinstance(cells, list) for cells in whole.values()):
        lists = {clean(n): cells for n, cells in whole.items() if isinstance(cells, list)}
        longest = max(map(len, lists.values()))
        whole = [{n: c[i] for n, c in lists.items() if i < len(c)} for i in range(longest)]
    if isinstance(whole, dict):
        whole = [whole]
    if not isinstance(whole, list) or not all(isinstance(row, dict) for row in whole):
        raise UploadError("The JSON must hold rows: names with a number each.")
    if len(whole) < LEAST:
        has = count(len(whole), "row", "rows")
        raise UploadError(f"The file has {has} of values; at least {LEAST} are needed.")
    for row in whole:
        yield dict(_flat(row, NESTED))


def _json_line(i: int, line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        raise UploadError(f"Line {i} is not JSON; names need double quotation marks.") from None


def _flat(row: Row, levels: int) -> Iterator[tuple[str, Any]]:
    """Yield the cells of a JSON object, those of objects in it as "outer/inner"."""
    for name, cell in row.items():
        if not isinstance(cell, dict):
            yield clean(name), cell
        elif levels > 1:
            for inner, value in _flat(cell, levels - 1):
                yield clean(f"{name}/{inner}"), value


def _scalar(name: str, rows: Sequence[Row]) -> tuple[list[Row], list[str]]:
    """Return TensorBoard's export of one curve with the curve called as the file is."""
    stem = clean(name.removesuffix(".csv").replace("run-", "").replace("-tag-", " "))
    if _meaning(stem) is None:
        raise UploadError(
            "The file holds one curve of TensorBoard; call the file train_loss.csv, "
            "val_accuracy.csv or the like, so that it tells which."
        )
    values = next(column for column in rows[0] if _spaced(column) == "value")
    steps = next(column for column in rows[0] if _spaced(column) == "step")
    return [{"step": row[steps], stem: row[values]} for row in rows], ["step", stem]


def _spaced(column: str) -> str:
    """Return a name in lower-case words: "valLoss" and "val/loss" are "val loss"."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", column)
    words = re.sub(r"[^a-z0-9]+", " ", apart.lower()).split()
    joined = [" ".join(match.groups()) if (match := JOINED.match(w)) else w for w in words]
    return " ".join(joined).replace("cross entropy", "crossentropy")


def _meaning(column: str) -> tuple[str, int] | None:
    """Return the curve that a column's name stands for, and how many words say something else."""
    words = set(_spaced(column).split())
    if bool(words & LOSS) == bool(words & ACCURACY):
        return None
    split = "val" if words & VAL else "train"
    kind = "loss" if words & LOSS else "accuracy"
    others = words - LOSS - ACCURACY - VAL - TRAIN - {"epoch"}
    return f"{split}_{kind}", len(others)


def _columns(names: Sequence[str], rows: Sequence[Row]) -> dict[str, str]:
    """Return the best column for each curve: the plainest name, then the most values."""
    best: dict[str, tuple[tuple[int, int], str]] = {}
    for column in names:
        if (meaning := _meaning(column)) is None:
            continue
        curve, others = meaning
        values = sum(not _is_gap(row.get(column)) for row in rows)
        if values and (curve not in best or (others, -values) < best[curve][0]):
            best[curve] = (others, -values), column
    return {curve: best[curve][1] for curve in NAMES if curve in best}


def _is_gap(cell: Any) -> bool:
    return cell is None or (isinstance(cell, str) and cell.strip().lower() in GAPS)


def _axis(names: Sequence[str], rows: Sequence[Row]) -> tuple[str, Array]:
    """Return what the moments of a log are counted in, and the moment of each row."""
    for unit, known in (("epoch", EPOCH), ("step", STEP)):
        column = next((name for name in names if _spaced(name) in known), None)
        if column is None or all(_is_gap(row.get(column)) for row in rows):
            continue
        at = np.array([_moment(row.get(column), i, column) for i, row in enumerate(rows, 1)])
        if (back := np.flatnonzero(np.diff(at) < 0)).size:
            raise UploadError(
                f'Column "{column}" goes back at row {back[0] + 2}; the file must hold one run.'
            )
        if unit == "step" or len(np.unique(at)) > LEAST:
            return unit, at
    return "row", np.arange(1.0, len(rows) + 1)


def _moment(cell: Any, i: int, column: str) -> float:
    value = _number(cell, i, column)
    if not 0 <= value <= LARGEST:
        raise UploadError(f'Row {i}, column "{column}", must be a number from 0 up.')
    return value


def _number(cell: Any, i: int, column: str) -> float:
    """Return a cell as a number: NaN and infinity, too, since losses become that."""
    if isinstance(cell, str):
        cell = cell.strip().removesuffix("%")
    try:
        return float("none" if isinstance(cell, (bool, list, type(None))) else cell)
    except (ValueError, OverflowError):
        told = "is empty" if _is_gap(cell) else f'holds "{clean(str(cell)[:99])}", not a number'
        raise UploadError(f'Row {i}, column "{column}", {told}.') from None


def _points(rows: Sequence[Row], at: Array, column: str) -> tuple[Array, Array]:
    """Return the moments at which a column has values, and these; the mean of several at one."""
    known = [i for i, row in enumerate(rows) if not _is_gap(row.get(column))]
    values = np.array([_number(rows[i][column], i + 1, column) for i in known])
    moments, which = np.unique(at[known], return_inverse=True)
    with np.errstate(all="ignore"):
        values = np.bincount(which, values) / np.bincount(which)
    if len(moments) < LEAST:
        raise UploadError(
            f'Column "{column}" has values at only one moment; at least {LEAST} are needed.'
        )
    return moments, values


def _curves(found: Mapping[str, tuple[Array, Array]], columns: Mapping[str, str]) -> Curves:
    """Put curves on the moments of the first one, averaged in parts if these are many.

    In gaps a curve is a straight line, before its first value NaN, after its last one that.
    """
    moments = next(iter(found.values()))[0]
    parts = np.array_split(np.arange(len(moments)), min(len(moments), MOST_MOMENTS))

    def in_parts(values: Array) -> Array:
        return np.array([values[part].mean() for part in parts])

    on_axis: dict[str, Any] = {}
    for curve, (at, values) in found.items():
        checked = _shares(values, columns[curve]) if "accuracy" in curve else values
        if "loss" in curve and (values < 0).any():
            raise UploadError(f'Column "{columns[curve]}" is negative; a loss of classes is not.')
        on_axis[curve] = in_parts(np.interp(moments, at, checked, left=np.nan))
    return Curves(epoch=in_parts(moments), **on_axis)


def _shares(values: Array, column: str) -> Array:
    """Return accuracies as shares, percent recognized by their size."""
    finite = values[np.isfinite(values)]
    if finite.size and (finite.min() < 0 or finite.max() > 100):
        raise UploadError(f'Column "{column}" is no accuracy: a share from 0 to 1, or percent.')
    return values / 100 if finite.size and finite.max() > PERCENT else values
