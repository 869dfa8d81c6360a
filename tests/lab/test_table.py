"""A visitor's own table: read as written, or refused in one sentence that says why."""

import numpy as np
import pytest

from core.lab.table import read_table
from tests.lab.refusals import NO_TEXT, assert_refused

GOOD = "a,b,c\n1,2,3\n4,5,6.5\n7,9,-1e-3\n"


def rows(*lines):
    return "\n".join(lines).encode()


def body(cell):
    """Return a table whose second row, column b, holds `cell`."""
    return f"a,b\n1,2\n3,{cell}\n5,7\n7,9\n".encode()


# (what is wrong, the file, words that its sentence must contain)
BAD = [
    *NO_TEXT,
    ("JSON", b'[{"a": 1}]', "JSON"),
    ("JSON object", b'{"a": [1, 2]}', "JSON"),
    ("a million columns", b"a" + b",a" * 400_000, "400,001 columns"),
    ("101 columns", ",".join(f"x{j}" for j in range(101)).encode(), "101 columns"),
    ("one column", b"a\n1\n2\n3\n", "1 column of numbers"),
    ("one column of numbers", b"name,a\nx,1\ny,2\nz,3\n", "1 column of numbers"),
    ("words alone", b"to be or not to be", "0 rows"),
    ("prose", b"This is a letter.\nIt has lines.\nThree of them.\nFour.", "0 columns of numbers"),
    ("names alone", b"a,b,c\n", "0 rows"),
    ("one row", b"a,b\n1,2\n", "1 row of"),
    ("two rows", b"a,b\n1,2\n3,4\n", "2 rows"),
    ("no names", b"1,2\n3,4\n5,6\n7,8\n", "names of the columns"),
    ("a name that is a number", b"a,2\n3,4\n5,6\n7,8\n", "names of the columns"),
    ("nan for a name", b"a,nan\n3,4\n5,6\n7,8\n", "names of the columns"),
    ("a name twice", b"a,b,a\n1,2,3\n4,5,6\n7,8,9\n", 'called "a"'),
    ("a short row", b"a,b\n1,2\n3\n5,6\n", "Row 2 below the names has 1 value for"),
    ("a long row", b"a,b\n1,2\n3,4\n5,6,7\n", "Row 3 below the names has 3 values"),
    ("a row of half a million", b"a,b\n1,2\n3,4\n" + b"1," * 400_000, "Row 3"),
    ("commas at the ends", b"a,b\n1,2,\n3,4,\n5,6,\n", "Row 1 below the names has 3 values"),
    ("quotes that do not close", b'a,b\n1,"2\n3,4\n5,6\n', "quotation marks"),
    ("quotes with something behind", b'a,b\n"1"x,2\n3,4\n5,6\n', "quotation marks"),
    ("a quoted novel", b'a,b\n1,"' + b"x" * 200_000 + b'"\n', "quotation marks"),
    ("an empty cell", body(""), "is empty"),
    ("a blank cell", body("  "), "is empty"),
    ("NaN", body("nan"), '"nan"'),
    ("infinity", body("inf"), '"inf"'),
    ("minus infinity", body("-Infinity"), "up to 1e15"),
    ("too large a number", body("1e300"), "up to 1e15"),
    ("overflow", body("1e999"), "up to 1e15"),
    ("NA", body("NA"), "not a number"),
    ("a mistyped number", body("12..5"), "not a number"),
    ("hexadecimal", body("0xff"), "not a number"),
    ("a formula", body('"=SUM(A1:A9)"'), "not a number"),
    ("a script", body("<script>alert(1)</script>"), "not a number"),
    ("decimal commas", b"a;b\n1,5;2\n3,5;4\n5;6\n6;1\n7;2\n", '"1,5", which is not a number'),
    ("all constant", b"a,b\n1,2\n1,2\n1,2\n", "constant"),
    ("all but one constant", b"a,b,c\n1,2,3\n1,2,4\n1,2,5\n", '"a", "b"'),
    ("two columns of text", b"a,b,c\n1,x,y\n2,x,y\n3,z,y\n", '"b" and "c" both hold text'),
    (
        "dates",
        b"day,a,b\n" + b"".join(b"d%d,%d,%d\n" % (i, i, i * i) for i in range(21)),
        "21 diff",
    ),
]


@pytest.mark.parametrize("content, told", [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_a_bad_file_is_refused_in_a_sentence(content, told):
    assert_refused(read_table, content, told)


@pytest.mark.parametrize(
    "content",
    [
        GOOD.encode(),
        GOOD.replace(",", ";").encode(),
        GOOD.replace(",", "\t").encode(),
        GOOD.replace("\n", "\r\n").encode(),
        GOOD.replace("\n", "\n\n").encode(),
        GOOD.replace(",", " , ").encode(),
        b"\xef\xbb\xbf" + GOOD.encode(),
        b'"a","b","c"\n"1",2,3\n4,5,"6.5"\n7,9,-0.001',
    ],
)
def test_ways_to_write_the_same_numbers(content):
    table = read_table("my.csv", content)
    assert (table.name, table.columns, table.labels) == ("my.csv", ("a", "b", "c"), None)
    np.testing.assert_array_equal(table.x, [[1, 2, 3], [4, 5, 6.5], [7, 9, -0.001]])


def test_a_column_of_text_is_the_class():
    table = read_table("my.csv", b"a,kind,b\n1,dog,2\n3,cat,5\n4,dog,7\n")
    assert (table.columns, table.classes) == (("a", "b"), ("cat", "dog"))
    assert table.labels.tolist() == [1, 0, 1]


def test_a_column_of_numbers_called_class_is_the_class():
    table = read_table("my.csv", b"a,b,Label\n1,2,0\n3,5,1\n4,7,0\n")
    assert (table.columns, table.classes) == (("a", "b"), ("0", "1"))
    assert table.labels.tolist() == [0, 1, 0]


def test_a_constant_column_beside_others_is_kept():
    assert read_table("my.csv", b"a,b,c\n1,2,0\n3,5,0\n4,7,0\n").x.shape == (3, 3)


def test_names_are_made_fit_to_show():
    table = read_table("<b>\x07![](x).csv", b"a\x1b,," + b"x" * 99 + b"\n1,2,3\n4,5,6\n7,8,0\n")
    assert table.columns == ("a", "column 2", "x" * 30)
    assert table.name == "b  !  (x).csv"
