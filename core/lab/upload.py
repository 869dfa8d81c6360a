"""Files of a visitor's own, read with suspicion: text, and the cells of a CSV file.

UploadError says in one sentence what is wrong with a file.
"""

import csv
from collections.abc import Collection
from io import StringIO

from core.lab.say import count

Cells = list[list[str]]  # (rows, columns)

MAX_BYTES = 1_000_000
MAX_COLUMNS = 100
NAME_LENGTH = 30
DELIMITERS = ",;\t"
MARKDOWN = "`*[]$<>~|\\"  # what would make more of a name than a name

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


class UploadError(ValueError):
    """A file that cannot be used; the message is a sentence for the visitor."""


def text_of(content: bytes, welcome: Collection[str] = ()) -> str:
    """Decode a file; welcome: other formats that may come besides CSV."""
    if len(content) > MAX_BYTES:
        raise UploadError(f"The file has {len(content) / 1e6:.1f} MB; at most 1 MB can be read.")
    for start, kind in OTHER_FORMATS.items():
        if content.startswith(start) and kind not in welcome:
            raise UploadError(f"This is {kind}; save it as CSV in UTF-8.")
    if b"\0" in content:
        raise UploadError("The file is not plain text; save it as CSV in UTF-8.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UploadError(
            f"Line {line} is not UTF-8 text; save the file as CSV in UTF-8."
        ) from None
    if not text.strip():
        raise UploadError("The file is empty.")
    return text


def cells_of(text: str, least: int) -> tuple[list[str], Cells]:
    """Split CSV into the names of the columns and the rows below, all of the same length.

    least: how many rows there must be.
    """
    first = next(line for line in text.splitlines() if line.strip())
    delimiter = max(DELIMITERS, key=first.count)
    wide = first.count(delimiter) + 1
    if wide > MAX_COLUMNS:
        raise UploadError(f"The file has {wide:,} columns; at most {MAX_COLUMNS} can be read.")
    lines = StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True)
    try:
        rows = [[cell.strip() for cell in row] for row in reader if any(map(str.strip, row))]
    except csv.Error:
        raise UploadError(f"The quotation marks in line {reader.line_num} do not match.") from None
    header, rows = rows[0], rows[1:]
    if any(is_number(name) for name in header):
        raise UploadError("The first row must hold the names of the columns, not numbers.")
    header = [clean(name) or f"column {j}" for j, name in enumerate(header, start=1)]
    twice = next((name for name in header if header.count(name) > 1), None)
    if twice:
        raise UploadError(f'Two columns are called "{twice}".')
    if len(rows) < least:
        has = count(len(rows), "row", "rows")
        raise UploadError(f"The file has {has} of values; at least {least} are needed.")
    for i, row in enumerate(rows, start=1):
        if len(row) != len(header):
            has, names = count(len(row), "value", "values"), count(len(header), "name", "names")
            raise UploadError(f"Row {i} below the names has {has} for {names}.")
    return header, rows


def is_number(cell: str) -> bool:
    """Tell whether a cell is a number, NaN and infinity among them."""
    try:
        float(cell)
    except ValueError:
        return False
    return True


def clean(text: str) -> str:
    """Return a name that can be shown: printable, without Markdown, short."""
    shown = "".join(c if c.isprintable() and c not in MARKDOWN else " " for c in text)
    return shown.strip()[:NAME_LENGTH]
