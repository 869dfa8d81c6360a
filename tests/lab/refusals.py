"""Files that nothing can read, and how a bad file is refused."""

import gzip
import io
import zipfile
from collections.abc import Callable

import numpy as np
import pytest

from core.lab.upload import MAX_BYTES, UploadError

TABLE = "a,b\n1,2\n3,4\n5,6\n"


def zipped() -> bytes:
    """Return a table in a zip file."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.writestr("a.csv", TABLE)
    return content.getvalue()


def npy() -> bytes:
    """Return an array as NumPy saves it."""
    content = io.BytesIO()
    np.save(content, np.eye(3))
    return content.getvalue()


# (what is wrong, the file, words that its sentence must contain)
NO_TEXT = [
    ("nothing", b"", "empty"),
    ("blank lines", b"\n\n  \n", "empty"),
    ("byte order mark alone", b"\xef\xbb\xbf", "empty"),
    ("too large", b"a,b\n" + b"1,2\n" * (MAX_BYTES // 4 + 1), "1.0 MB"),
    ("ten times too large", b"1" * 10 * MAX_BYTES, "10.0 MB"),
    ("zip", zipped(), "zip or Excel"),
    ("the head of a zip", b"PK\x03\x04", "zip or Excel"),
    ("gzip", gzip.compress(TABLE.encode()), "gzip"),
    ("old Excel", b"\xd0\xcf\x11\xe0" + bytes(100), "old Excel"),
    ("PDF", b"%PDF-1.7 ...", "PDF"),
    ("PNG", b"\x89PNG\r\n\x1a\n", "image"),
    ("JPEG", b"\xff\xd8\xff\xe0abc", "image"),
    ("GIF", b"GIF89a", "image"),
    ("Parquet", b"PAR1abc", "Parquet"),
    ("NumPy", npy(), "NumPy"),
    ("the head of NumPy's", b"\x93NUMPY\x01", "NumPy"),
    ("pickle", b"\x80\x04\x95\x0b\x00\x00\x00", "plain text"),
    ("a TensorBoard event file", b"\x18\x00\x00\x00\x00\x00\x00\x00brain.Event:2", "plain text"),
    ("SQLite", b"SQLite format 3\0", "database"),
    ("UTF-16, little end first", TABLE.encode("utf-16"), "UTF-16"),
    ("UTF-16, big end first", b"\xfe\xff" + TABLE.encode("utf-16-be"), "UTF-16"),
    ("UTF-16 without a mark", TABLE.encode("utf-16-le"), "plain text"),
    ("UTF-32", TABLE.encode("utf-32"), "UTF-16"),
    ("Latin-1", "größe,b\n1,2\n3,4\n5,6".encode("latin-1"), "Line 1 is not UTF-8"),
    ("cut in a character", TABLE.encode() + "é".encode()[:1], "Line 5 is not UTF-8"),
    ("random bytes", bytes(range(256)), "plain text"),
    ("HTML", b"<html><script>alert(1)</script></html>", "web page"),
]


def assert_refused(read: Callable[[str, bytes], object], content: bytes, told: str) -> None:
    """Check that a file is refused in one printable sentence which says what was told."""
    with pytest.raises(UploadError) as error:
        read("my.csv", content)
    sentence = str(error.value)
    assert told in sentence
    assert sentence[0].isupper() and sentence.endswith(".") and len(sentence) < 200
    assert sentence.isprintable()
