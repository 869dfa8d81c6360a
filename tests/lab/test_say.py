"""Numbers as people write them."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.lab.say import arrival, count, number, percent, say, written_out


@pytest.mark.parametrize(
    "value, text",
    [
        *[(0, "0"), (-0.0, "0"), (3e-7, "0.0000003"), (0.49, "0.49"), (0.0213, "0.021")],
        *[(2.0, "2"), (2.24, "2.2"), (9.96, "10"), (61.3, "61"), (99.6, "100"), (137.2, "137")],
        *[(1437, "1,440"), (3e-12, "3·10⁻¹²"), (1e6, "10⁶"), (5.2e20, "5·10²⁰"), (-2.3, "−2.3")],
    ],
)
def test_a_number_has_about_two_digits(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    "share, text",
    [(0, "0%"), (1, "100%"), (0.004, "0.4%"), (0.45, "45%"), (0.997, "99.7%"), (0.5, "50%")],
)
def test_only_all_is_100_percent_and_only_none_is_0(share, text):
    assert percent(share) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_no_number_is_written_as_machines_do(value):
    text = number(value)
    assert not re.search(r"e[+-]?\d|nan|inf", text)
    assert text not in ("-0", "−0", "-0.0")


@given(st.floats(1e-8, 9.9e5))
def test_a_number_reads_back_within_rounding(value):
    read = float(number(value).replace(",", ""))
    assert read == pytest.approx(value, rel=0.5 if value < 1e-4 else 0.06)


@given(st.floats(0, 1))
def test_a_share_is_never_rounded_to_none_or_all(share):
    assert (percent(share) == "0%") == (share == 0)
    assert (percent(share) == "100%") == (share == 1)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("template", ["{x}", "{x:%}", "{x:.2f}", "{x:layer|layers}"])
def test_what_is_not_finite_is_not_spoken_of(template, value):
    with pytest.raises(ValueError, match="must be finite"):
        say(template, {"x": value})


def test_sentences_take_names_counts_and_shares():
    said = say(
        "{n:layer|layers} of {name}: {p:%}, {x:.2f}", {"n": 1, "name": "He", "p": 0.4, "x": -0.0}
    )
    assert said == "1 layer of He: 40%, 0.00"
    assert count(10, "unit", "units") == "10 units"


@pytest.mark.parametrize(
    "needed, text",
    [
        ([1.2, 1.6], "1.4"),
        ([math.inf, math.inf], "never"),
        ([1.0, math.inf, 3.0], "never in 1 of 3"),
    ],
)
def test_what_never_arrives_has_no_number_of_epochs(needed, text):
    assert arrival(needed) == text


@pytest.mark.parametrize(
    "value, text",
    [
        *[(3.3e-12, "0.000000000003"), (9.97e-14, "0.0000000000001"), (0.079, "0.079")],
        *[(3e-20, "3·10⁻²⁰"), (0, "0"), (2e7, "2·10⁷")],
    ],
)
def test_a_tiny_number_is_written_with_all_its_zeros(value, text):
    assert written_out(value) == text
