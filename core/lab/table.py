"""A table of a visitor's own: a CSV file, read with suspicion.

The first row holds the names; every other one a number per column, and in at most one column the
name of a class.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.lab.say import count
from core.lab.upload import UploadError, cells_of, clean, is_number, text_of

Array = np.ndarray

MAX_CLASSES = 20
MIN_ROWS = 3
LARGEST = 1e15  # squares and their sums stay far from overflow
TEXT_SHARE = 0.5  # a column with fewer numbers than this holds names, not mistyped numbers
CLASS_NAMES = ("class", "label", "target", "species", "y")  # of a column of numbers, in any case


@dataclass(frozen=True, eq=False)
class Table:
    """Numbers of a visitor's own: x (rows, columns), finite; labels (rows,) into classes."""

    name: str
    columns: tuple[str, ...]
    x: Array
    labels: Array | None
    classes: tuple[str, ...]


def read_table(name: str, content: bytes) -> Table:
    """Read a CSV file; UploadError for what cannot be used."""
    header, rows = cells_of(text_of(content), MIN_ROWS)
    texts = [j for j in range(len(header)) if _holds_text([row[j] for row in rows])]
    named = [j for j, column in enumerate(header) if column.lower() in CLASS_NAMES]
    if len(texts) > 1:
        first, second = (header[j] for j in texts[:2])
        raise UploadError(
            f'The columns "{first}" and "{second}" both hold text; only one, the class, may.'
        )
    label = next(iter(texts or named), None)
    numbers = [j for j in range(len(header)) if j != label]
    x = np.array([[_number(row[j], i, header[j]) for j in numbers] for i, row in enumerate(rows)])
    columns = tuple(header[j] for j in numbers)
    _check_numbers(x, columns)
    if label is None:
        return Table(clean(name), columns, x, None, ())
    classes, labels = np.unique([row[label] for row in rows], return_inverse=True)
    if len(classes) > MAX_CLASSES:
        raise UploadError(
            f'The column "{header[label]}" holds {len(classes)} different names; '
            f"a class may have {MAX_CLASSES}."
        )
    return Table(clean(name), columns, x, labels, tuple(clean(c) for c in classes))


def _holds_text(cells: Sequence[str]) -> bool:
    """Tell whether a column holds names: mostly what is neither a number nor empty."""
    texts = sum(not is_number(cell) and bool(cell) for cell in cells)
    return texts > TEXT_SHARE * len(cells)


def _number(cell: str, i: int, column: str) -> float:
    where = f'Row {i + 1} below the names, column "{column}"'
    if not cell:
        raise UploadError(f"{where}, is empty; every cell needs a number.")
    if not is_number(cell):
        raise UploadError(f'{where}, holds "{clean(cell)}", which is not a number.')
    value = float(cell)
    if not abs(value) <= LARGEST:  # NaN too
        raise UploadError(f'{where}, holds "{clean(cell)}"; numbers up to 1e15 can be used.')
    return value


def _check_numbers(x: Array, columns: Sequence[str]) -> None:
    """Refuse a table in which fewer than two columns of numbers vary."""
    if x.shape[1] < 2:
        has = count(x.shape[1], "column", "columns")
        raise UploadError(f"The file has {has} of numbers; at least 2 are needed.")
    varying = np.ptp(x, axis=0) > 0
    if varying.sum() < 2:
        constant = ", ".join(f'"{c}"' for c, v in zip(columns, varying, strict=True) if not v)
        raise UploadError(f"At least 2 columns must vary; these are constant: {constant[:100]}.")
