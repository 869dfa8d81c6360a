"""Knobs: what can be moved in an experiment, declared once.

A Config field is declared with one of the functions at the end of this file. From that one
declaration come the default, the validation, the widget, the link, the terminal option and the
random configurations of the tests::

    @dataclass(frozen=True, kw_only=True)
    class Config(Checked):
        depth: int = integer(10, 1, 30)

Every knob has `check` (refuse with a sentence), `snap` (nearest allowed value), `parse` and
`texts` (from and to a link), `read` (from the terminal) and `sample` (for tests).
"""

import math
import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import Field, dataclass, field, fields, replace
from typing import Any

import numpy as np

MAX_SEED = 9999


@dataclass(frozen=True)
class Choice:
    """One of a few names."""

    default: str
    options: tuple[str, ...]

    def check(self, value: Any) -> None:
        """Raise ValueError unless value is one of the options."""
        if value not in self.options:
            raise ValueError(f"must be one of {', '.join(self.options)}, got {value!r}")

    def snap(self, value: Any) -> str:
        """Return the value if it is allowed, the default otherwise."""
        return value if value in self.options else self.default

    def parse(self, texts: Sequence[str]) -> str:
        """Read the last value of a link's parameter."""
        return self.snap(texts[-1]) if texts else self.default

    def texts(self, value: str) -> list[str]:
        """Write a value as a link's parameter."""
        return [value]

    def read(self, text: str) -> str:
        """Read a terminal's value, refusing what is not allowed."""
        self.check(text)
        return text

    def sample(self, rng: np.random.Generator) -> str:
        """Draw an allowed value."""
        return self.options[rng.integers(len(self.options))]


@dataclass(frozen=True)
class Several:
    """Some of a few names, at least one, in the order of the options."""

    default: tuple[str, ...]
    options: tuple[str, ...]

    def check(self, value: Any) -> None:
        """Raise ValueError unless value is a non-empty tuple of options without repeats."""
        if not isinstance(value, tuple) or not value or value != self._ordered(value):
            raise ValueError(
                f"must be at least one of {', '.join(self.options)}, in this order, got {value!r}"
            )

    def _ordered(self, value: Sequence[str]) -> tuple[str, ...]:
        return tuple(option for option in self.options if option in value)

    def snap(self, value: Any) -> tuple[str, ...]:
        """Keep the allowed names in order; the default when none is left."""
        return self._ordered(value or ()) or self.default

    def parse(self, texts: Sequence[str]) -> tuple[str, ...]:
        """Read a link's repeated parameter."""
        return self.snap(tuple(texts))

    def texts(self, value: tuple[str, ...]) -> list[str]:
        """Write a value as a link's repeated parameter."""
        return list(value)

    def read(self, text: str) -> tuple[str, ...]:
        """Read a terminal's comma-separated value, refusing unknown names."""
        names = tuple(text.split(","))
        self.check(self._ordered(names) if set(names) <= set(self.options) else names)
        return self._ordered(names)

    def sample(self, rng: np.random.Generator) -> tuple[str, ...]:
        """Draw a non-empty subset."""
        return self.snap([option for option in self.options if rng.random() < 0.5])


@dataclass(frozen=True)
class Number:
    """A number between low and high; the widget and the link move in steps.

    steps: every value the widget offers, in rising order. listed: nothing else is allowed.
    """

    default: float
    low: float
    high: float
    steps: Sequence[float]
    whole: bool = False
    log: bool = False
    listed: bool = False

    def check(self, value: Any) -> None:
        """Raise ValueError unless value is a number as declared: whole, listed, in the range."""
        kind = int if self.whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, kind):
            raise ValueError(f"must be a {'whole ' * self.whole}number, got {value!r}")
        if self.listed and value not in self.steps:
            options = ", ".join(f"{step:g}" for step in self.steps)
            raise ValueError(f"must be one of {options}, got {value}")
        zero = self.log and self.steps[0] == 0
        if not (self.low <= value <= self.high or (zero and value == 0)):
            either = " or 0" * (zero and self.low > 0)
            raise ValueError(f"must be between {self.low:g} and {self.high:g}{either}, got {value}")

    def snap(self, value: Any) -> float:
        """Return the step nearest to value, the lower one of two; the default for no number."""
        try:
            wanted = float(value)
        except (TypeError, ValueError, OverflowError):
            return self.default
        if not math.isfinite(wanted):
            return self.default
        above = bisect_left(self.steps, wanted)
        around = self.steps[max(above - 1, 0) : above + 1]
        if self.log and wanted > 0:
            around = [step for step in around if step > 0] or self.steps[above : above + 1]
            return min(around, key=lambda step: abs(math.log(step) - math.log(wanted)))
        return min(around, key=lambda step: abs(step - wanted))

    def parse(self, texts: Sequence[str]) -> float:
        """Read the last value of a link's parameter, snapped to a step."""
        return self.snap(texts[-1]) if texts else self.default

    def texts(self, value: float) -> list[str]:
        """Write a value as a link's parameter, so that reading it gives the value back."""
        return [repr(int(value)) if self.whole else f"{value:.6g}"]

    def read(self, text: str) -> float:
        """Read a terminal's value, refusing what is not allowed."""
        try:
            value = int(text) if self.whole else float(text)
        except ValueError:
            raise ValueError(f"must be a {'whole ' * self.whole}number, got {text!r}") from None
        self.check(value)
        return value

    def sample(self, rng: np.random.Generator) -> float:
        """Draw one of the steps."""
        return self.steps[int(rng.integers(len(self.steps)))]


@dataclass(frozen=True)
class Seed(Number):
    """A whole number whose size means nothing: to be typed or drawn anew, not slid along."""


@dataclass(frozen=True)
class Flag:
    """On or off."""

    default: bool

    def check(self, value: Any) -> None:
        """Raise ValueError unless value is True or False."""
        if not isinstance(value, bool):
            raise ValueError(f"must be on or off, got {value!r}")

    def snap(self, value: Any) -> bool:
        """Return the value if it is a bool, the default otherwise."""
        return value if isinstance(value, bool) else self.default

    def parse(self, texts: Sequence[str]) -> bool:
        """Read on or off from a link's parameter."""
        return {"on": True, "off": False}.get(texts[-1] if texts else "", self.default)

    def texts(self, value: bool) -> list[str]:
        """Write on or off."""
        return ["on" if value else "off"]

    def read(self, text: str) -> bool:
        """Read a terminal's on or off, refusing everything else."""
        if text not in ("on", "off"):
            raise ValueError(f"must be on or off, got {text!r}")
        return text == "on"

    def sample(self, rng: np.random.Generator) -> bool:
        """Toss a coin."""
        return bool(rng.integers(2))


def plain(value: float) -> str:
    """Write a number with six digits and without a power of ten: 0.00001."""
    return str(np.format_float_positional(float(f"{value:.6g}"), trim="-"))


@dataclass(frozen=True)
class Span:
    """The two ends of a range on a log axis, to be typed; None where the default is None."""

    default: tuple[float, float] | None
    low: float  # neither end may lie beyond these
    high: float

    @property
    def steps(self) -> tuple[tuple[float, float] | None, ...]:
        """Return what the widget offers: the default; all else is typed."""
        return (self.default,)

    def check(self, value: Any) -> None:
        """Raise ValueError unless value is two ends as declared, the low one first."""
        if value is None and self.default is None:
            return
        if not (isinstance(value, tuple) and [type(end) for end in value] == [float, float]):
            raise ValueError(f"must be two numbers, such as 0.001 to 1, got {value!r}")
        low, high = value
        if min(value) <= 0:
            raise ValueError(f"must be above 0, since a log axis has no 0, got {plain(min(value))}")
        if not (self.low <= min(value) and max(value) <= self.high):
            beyond = max(value) if max(value) > self.high else min(value)
            allowed = f"{plain(self.low)} and {plain(self.high)}"
            raise ValueError(f"must be between {allowed}, got {plain(beyond)}")
        if not low < high:
            said = "two different ends" if low == high else "the low end first"
            raise ValueError(f"must have {said}, got {plain(low)} and {plain(high)}")

    def snap(self, value: Any) -> tuple[float, float] | None:
        """Return the value if it is allowed, the default otherwise."""
        try:
            self.check(value)
        except (ValueError, TypeError):
            return self.default
        return value

    def parse(self, texts: Sequence[str]) -> tuple[float, float] | None:
        """Read the last value of a link's parameter."""
        try:
            return self.read(texts[-1]) if texts else self.default
        except ValueError:
            return self.default

    def texts(self, value: tuple[float, float] | None) -> list[str]:
        """Write a value as a link's parameter, and into the field."""
        return ["" if value is None else " to ".join(map(plain, value))]

    def read(self, text: str) -> tuple[float, float] | None:
        """Read what was typed, "0.001 to 1" or "0.001, 1", refusing what is not allowed."""
        words = re.sub("to|[,;–]", " ", text).split()
        try:
            ends: Any = tuple(map(float, words))
        except ValueError:
            ends = ()
        nothing = None if self.default is None and not words else text
        value: Any = ends if len(ends) == 2 else nothing
        self.check(value)
        return value

    def sample(self, rng: np.random.Generator) -> tuple[float, float] | None:
        """Draw two ends."""
        ends = np.sort(np.exp(rng.uniform(np.log(self.low), np.log(self.high), 2)))
        return self.parse([f"{ends[0]:.3g} to {ends[1]:.3g}"])


Knob = Choice | Several | Number | Flag | Span


def choice(default: str, options: Sequence[str]) -> Any:
    """Declare a knob that takes one of the options."""
    return _declare(Choice(default, tuple(options)))


def several(default: Sequence[str], options: Sequence[str]) -> Any:
    """Declare a knob that takes at least one of the options."""
    return _declare(Several(tuple(default), tuple(options)))


def integer(default: int, low: int, high: int, step: int = 1) -> Any:
    """Declare a whole number; the widget moves by step."""
    return _declare(Number(default, low, high, tuple(range(low, high + 1, step)), whole=True))


def numbers(default: float, options: Sequence[float]) -> Any:
    """Declare a number that is one of the options, in rising order; whole if all of them are."""
    whole = all(isinstance(option, int) for option in options)
    return _declare(
        Number(default, options[0], options[-1], tuple(options), whole=whole, listed=True)
    )


def real(default: float, low: float, high: float, step: float) -> Any:
    """Declare a real number; the widget moves by step."""
    count = round((high - low) / step)
    steps = tuple(round(low + i * step, 10) for i in range(count + 1))
    return _declare(Number(default, low, high, steps))


def log_spaced(
    default: float,
    low: float,
    high: float,
    per_decade: Sequence[float] = (1, 2, 5),
    zero: bool = False,
) -> Any:
    """Declare a positive number that moves in equal factors; `zero` offers 0 below them."""
    decades = range(math.floor(math.log10(low)), math.floor(math.log10(high)) + 1)
    values = [float(f"{m:g}e{d}") for d in decades for m in per_decade]
    inside = tuple(v for v in values if low <= v <= high)
    return _declare(Number(default, low, high, (0.0,) * zero + inside, log=True))


def span(low: float, high: float, default: tuple[float, float] | None = None) -> Any:
    """Declare two ends between low and high; without a default they need not be given."""
    return _declare(Span(default, low, high))


def flag(default: bool) -> Any:
    """Declare a switch."""
    return _declare(Flag(default))


def seed(default: int = 0) -> Any:
    """Declare the seed that all of an experiment's random streams are spawned from."""
    return _declare(Seed(default, 0, MAX_SEED, range(MAX_SEED + 1), whole=True))


def looks(declared: Field[Any]) -> Any:
    """Mark a knob that picks what is looked at: what is computed is the same at all its values.

    `target: float = looks(numbers(0.9, [0.8, 0.9, 0.95]))`
    """
    return field(default=declared.default, metadata={**declared.metadata, "looks": True})


def answers(declared: Field[Any]) -> Any:
    """Mark a knob that is the visitor's answer about a run: it only looks, too.

    It goes back to its default, which is no answer, when another run is asked for.
    """
    return field(default=declared.default, metadata={**looks(declared).metadata, "answers": True})


def _declare(knob: Knob) -> Any:
    return field(default=knob.default, metadata={"knob": knob})


def knobs_of(config_type: type) -> dict[str, Knob]:
    """Return name -> knob of a Config class, in the order of its fields."""
    return {f.name: f.metadata["knob"] for f in fields(config_type)}


def marked(config_type: type, mark: str) -> tuple[str, ...]:
    """Return the names of the knobs that are marked as "looks" or "answers"."""
    return tuple(f.name for f in fields(config_type) if f.metadata.get(mark))


def computed_part(config: Any) -> Any:
    """Return the configuration with the default in every knob that only looks.

    Configurations that agree in it have Results that differ in their `config` alone.
    """
    only_looked_at = [f for f in fields(config) if f.metadata.get("looks")]
    return replace(config, **{f.name: f.default for f in only_looked_at})


class Checked:
    """Mix-in of every Config: refuses values that their knobs do not allow."""

    def __post_init__(self) -> None:
        for name, knob in knobs_of(type(self)).items():
            try:
                knob.check(getattr(self, name))
            except ValueError as error:
                raise ValueError(f"{name} {error}") from None
