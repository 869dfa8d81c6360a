"""Numbers as people write them, and sentences with numbers in them.

The only place where a measured number becomes text, in sentences and in pictures: 0.0000003 and
half of it, never 3e-07, nan or -0.00.
"""

import math
import string
from collections.abc import Iterable, Mapping
from typing import Any

SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
SMALLEST, LARGEST = 1e-8, 1e6  # what lies beyond is written with a power of ten
NEVER = "never"
DIGITS = 2  # that are kept of a number below 100


def number(value: float) -> str:
    """Write a number with about two digits: 0.0000003, 0.49, 2.2, 61, 1,400, 3·10⁻¹².

    ValueError for what is not finite: a sentence must not speak of it.
    """
    if not math.isfinite(value):
        raise ValueError(f"a number in a sentence must be finite, got {value}")
    size = abs(value)
    if size == 0:
        return "0"
    if not SMALLEST <= size < LARGEST:
        return power_of_ten(value)
    if size >= 99.5:
        return f"{float(f'{value:.3g}'):,.0f}"
    digits = 1 if size < 1e-4 else DIGITS
    rounded = float(f"{value:.{digits}g}")
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(rounded))))
    text = f"{rounded:.{decimals}f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", "−")


def written_out(value: float) -> str:
    """Write a number with all its zeros down to 10⁻¹⁵: 0.000000000003."""
    rounded = float(f"{value:.1g}")
    if not 1e-15 <= rounded < SMALLEST:
        return number(value)
    return f"{rounded:.{-math.floor(math.log10(rounded))}f}"


def power_of_ten(value: float) -> str:
    """Write a number as a digit times a power of ten: 3·10⁻¹², 10⁶."""
    digit, exponent = f"{value:.0e}".split("e")
    power = f"10{str(int(exponent)).translate(SUPERSCRIPT)}"
    return power if digit == "1" else f"{digit.replace('-', '−')}·{power}"


def percent(share: float) -> str:
    """Write a share: 0.4%, 45%, 99.7%; 0% and 100% only for none and all."""
    if not math.isfinite(share):
        raise ValueError(f"a share in a sentence must be finite, got {share}")
    if share in (0, 1) or 0.01 <= share <= 0.99:
        return f"{share:.0%}"
    away = min(share, 1 - share)
    if 0 < away < 1e-4:
        return "under 0.01%" if share < 0.5 else "over 99.99%"
    decimals = max(0, -math.floor(math.log10(abs(away))) - 2)
    return f"{share:.{decimals}%}"


def count(value: float, one: str, many: str) -> str:
    """Write a number with its noun: 1 layer, 10 layers."""
    return f"{number(value)} {one if value == 1 else many}"


class _Formatter(string.Formatter):
    """`str.format` that writes numbers as this module does.

    {x} and {x:%}: number() and percent(); {x:layer|layers}: count(). Other format specifications
    are Python's own, but refuse what is not finite.
    """

    def format_field(self, value: Any, spec: str) -> str:
        if isinstance(value, str):
            return value
        value = float(value)
        if "|" in spec:
            return count(value, *spec.split("|"))
        if spec == "%":
            return percent(value)
        if not spec:
            return number(value)
        if not math.isfinite(value):
            raise ValueError(f"a number in a sentence must be finite, got {value}")
        text = format(int(value) if spec[-1] in "d," and value.is_integer() else value, spec)
        return text.removeprefix("-") if not text.strip("-0.,%") else text.replace("-", "−")


def arrival(needed: Iterable[float]) -> str:
    """Write the mean of the epochs that runs need: 1.4; never, or never in 2 of 5, for inf."""
    epochs = list(map(float, needed))
    never = sum(map(math.isinf, epochs))
    if never == len(epochs):
        return NEVER
    return f"{NEVER} in {never} of {len(epochs)}" if never else number(sum(epochs) / len(epochs))


def say(template: str, values: Mapping[str, Any]) -> str:
    """Fill the measured numbers into a sentence; KeyError for a name that was not measured."""
    return _Formatter().vformat(template, (), values)
