"""A table of a visitor's own: a CSV file, read with suspicion.

The first row holds the names; every other one a number per column, and in at most one column the
name of a class. TableError says in one sentence what is wrong with a file.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO

import numpy as np

Array = np.ndarray
Cells = list[list[str]]  # (rows, columns)

MAX_BYTES = 1_000_000
MAX_COLUMNS = 100
MAX_CLASSES = 20
MIN_ROWS = 3
LARGEST = 1e15  # squares and their sums stay far from overflow
NAME_LENGTH = 30
DELIMITERS = ",;\t"
TEXT_SHARE = 0.5  # a column with fewer numbers than this holds names, not mistyped numbers
MARKDOWN = "`*[]$<>~|\\"  # what would make more of a name than a name
CLASS_NAMES = ("class", "label", "target", "species", "y")  # of a column of numbers, in any case

# How files start that are often taken for CSV.
OTHER_FORMATS = {
    b"PK": "a zip or Excel file",
    b"\x1f\x8b": "a gzip file",
    b"\xd0\xcf\x11\xe0": "an old Excel file",
    b"%PDF": "a PDF",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
    b"GIF8": "an image",
    b"PAR1": "a Parquet file",
    b"\x93NUMPY": "a NumPy file",
    b"SQLite": "a database",
    b"\xff\xfe": "text in UTF-16",
    b"\xfe\xff": "text in UTF-16",
    b"{": "JSON",
    b"[": "JSON",
    b"<": "a web page or XML",
}


class TableError(ValueError):
    """A file that cannot be used; the message is a sentence for the visitor."""


@dataclass(frozen=True, eq=False)
class Table:
    """Numbers of a visitor's own: x (rows, columns), finite; labels (rows,) into classes."""

    name: str
    columns: tuple[str, ...]
    x: Array
    labels: Array | None
    classes: tuple[str, ...]


def read_table(name: str, content: bytes) -> Table:
    """Read a CSV file; TableError for what cannot be used."""
    header, rows = _cells(_text(content))
    texts = [j for j in range(len(header)) if _holds_text([row[j] for row in rows])]
    named = [j for j, column in enumerate(header) if column.lower() in CLASS_NAMES]
    if len(texts) > 1:
        first, second = (header[j] for j in texts[:2])
        raise TableError(
            f'The columns "{first}" and "{second}" both hold text; only one, the class, may.'
        )
    label = next(iter(texts or named), None)
    numbers = [j for j in range(len(header)) if j != label]
    x = np.array([[_number(row[j], i, header[j]) for j in numbers] for i, row in enumerate(rows)])
    columns = tuple(header[j] for j in numbers)
    _check_numbers(x, columns)
    if label is None:
        return Table(_clean(name), columns, x, None, ())
    classes, labels = np.unique([row[label] for row in rows], return_inverse=True)
    if len(classes) > MAX_CLASSES:
        raise TableError(
            f'The column "{header[label]}" holds {len(classes)} different names; '
            f"a class may have {MAX_CLASSES}."
        )
    return Table(_clean(name), columns, x, labels, tuple(_clean(c) for c in classes))


def _text(content: bytes) -> str:
    """Decode a file."""
    if len(content) > MAX_BYTES:
        raise TableError(f"The file has {len(content) / 1e6:.1f} MB; at most 1 MB can be read.")
    for start, kind in OTHER_FORMATS.items():
        if content.startswith(start):
            raise TableError(f"This is {kind}; save it as CSV in UTF-8.")
    if b"\0" in content:
        raise TableError("The file is not plain text; save it as CSV in UTF-8.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise TableError(f"Line {line} is not UTF-8 text; save the file as CSV in UTF-8.") from None
    if not text.strip():
        raise TableError("The file is empty.")
    return text


def _cells(text: str) -> tuple[list[str], Cells]:
    """Split a text into the names of the columns and the rows below, all of the same length."""
    first = next(line for line in text.splitlines() if line.strip())
    delimiter = max(DELIMITERS, key=first.count)
    wide = first.count(delimiter) + 1
    if wide > MAX_COLUMNS:
        raise TableError(f"The file has {wide:,} columns; at most {MAX_COLUMNS} can be read.")
    lines = StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True)
    try:
        rows = [[cell.strip() for cell in row] for row in reader if any(map(str.strip, row))]
    except csv.Error:
        raise TableError(f"The quotation marks in line {reader.line_num} do not match.") from None
    header, rows = rows[0], rows[1:]
    if any(_is_number(name) for name in header):
        raise TableError("The first row must hold the names of the columns, not numbers.")
    header = [_clean(name) or f"column {j}" for j, name in enumerate(header, start=1)]
    twice = next((name for name in header if header.count(name) > 1), None)
    if twice:
        raise TableError(f'Two columns are called "{twice}".')
    if len(rows) < MIN_ROWS:
        raise TableError(
            f"The file has {len(rows)} rows of values; at least {MIN_ROWS} are needed."
        )
    for i, row in enumerate(rows, start=1):
        if len(row) != len(header):
            raise TableError(
                f"Row {i} below the names has {len(row)} values, but there are {len(header)} names."
            )
    return header, rows


def _holds_text(cells: Sequence[str]) -> bool:
    """Tell whether a column holds names: mostly what is neither a number nor empty."""
    texts = sum(not _is_number(cell) and bool(cell) for cell in cells)
    return texts > TEXT_SHARE * len(cells)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _number(cell: str, i: int, column: str) -> float:
    where = f'Row {i + 1} below the names, column "{column}"'
    if not cell:
        raise TableError(f"{where}, is empty; every cell needs a number.")
    if not _is_number(cell):
        raise TableError(f'{where}, holds "{_clean(cell)}", which is not a number.')
    value = float(cell)
    if not abs(value) <= LARGEST:  # NaN too
        raise TableError(f'{where}, holds "{_clean(cell)}"; numbers up to 1e15 can be used.')
    return value


def _check_numbers(x: Array, columns: Sequence[str]) -> None:
    """Refuse a table in which fewer than two columns of numbers vary."""
    if x.shape[1] < 2:
        raise TableError(f"The file has {x.shape[1]} columns of numbers; at least 2 are needed.")
    varying = np.ptp(x, axis=0) > 0
    if varying.sum() < 2:
        constant = ", ".join(f'"{c}"' for c, v in zip(columns, varying, strict=True) if not v)
        raise TableError(f"At least 2 columns must vary; these are constant: {constant[:100]}.")


def _clean(text: str) -> str:
    """Return a name that can be shown: printable, without Markdown, short."""
    shown = "".join(c if c.isprintable() and c not in MARKDOWN else " " for c in text)
    return shown.strip()[:NAME_LENGTH]
