"""Knobs: validation, links, snapping and sampling of every declared knob."""

from dataclasses import dataclass, fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.experiments import everything
from core.lab.knobs import (
    Checked,
    Number,
    Seed,
    answers,
    choice,
    computed_part,
    flag,
    integer,
    knobs_of,
    log_spaced,
    looks,
    marked,
    numbers,
    real,
    seed,
    several,
    span,
)

experiments = pytest.mark.parametrize("experiment", everything(), ids=lambda e: e.slug)


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """One knob of every kind."""

    scheme: str = choice("he", ["xavier", "he"])
    shown: tuple[str, ...] = several(("relu",), ["tanh", "relu", "elu"])
    depth: int = integer(10, 1, 30)
    batch: int = numbers(4, [1, 4, 16])
    mean: float = real(1.0, 0.0, 2.0, 0.25)
    rate: float = log_spaced(0.1, 0.001, 1.0)
    reg: float = log_spaced(0.0, 1e-4, 1.0, zero=True)
    rates: tuple[float, float] = span(1e-6, 100.0, (0.01, 1.0))
    narrow: tuple[float, float] | None = span(1e-6, 100.0)
    bias: bool = flag(False)
    target: float = looks(numbers(0.9, [0.5, 0.9]))
    seed: int = seed()


KNOBS = knobs_of(Config)


@pytest.mark.parametrize(
    "values, sentence",
    [
        ({"depth": 99}, "depth must be between 1 and 30, got 99"),
        ({"depth": 2.5}, "depth must be a whole number, got 2.5"),
        ({"depth": True}, "depth must be a whole number, got True"),
        ({"rates": None}, "rates must be two numbers, such as 0.001 to 1, got None"),
        ({"rates": (1.0, 0.1)}, "rates must have the low end first, got 1 and 0.1"),
        ({"rates": (0.1, 0.1)}, "rates must have two different ends, got 0.1 and 0.1"),
        ({"rates": (0.0, 1.0)}, "rates must be above 0, since a log axis has no 0, got 0"),
        ({"rates": (-2.0, 1.0)}, "rates must be above 0, since a log axis has no 0, got -2"),
        ({"rates": (0.1, 200.0)}, "rates must be between 0.000001 and 100, got 200"),
        ({"narrow": (1e-9, 1.0)}, "narrow must be between 0.000001 and 100, got 0.000000001"),
        ({"scheme": "hee"}, "scheme must be one of xavier, he, got 'hee'"),
        ({"shown": ()}, r"shown must be at least one of tanh, relu, elu, in this order, got \(\)"),
        ({"shown": ("relu", "tanh")}, "shown must be at least one of tanh, relu, elu"),
        ({"rate": 0.0}, "rate must be between 0.001 and 1, got 0.0"),
        ({"reg": 1e-9}, "reg must be between 0.0001 and 1 or 0, got 1e-09"),
        ({"mean": float("nan")}, "mean must be between 0 and 2, got nan"),
        ({"bias": 1}, "bias must be on or off, got 1"),
        ({"batch": 3}, "batch must be one of 1, 4, 16, got 3"),
        ({"batch": 4.0}, "batch must be a whole number, got 4.0"),
        ({"target": 0.7}, r"target must be one of 0\.5, 0\.9, got 0\.7"),
        ({"seed": 10_000}, "seed must be between 0 and 9999, got 10000"),
    ],
)
def test_a_value_that_is_not_allowed_is_refused_with_a_sentence(values, sentence):
    with pytest.raises(ValueError, match=f"^{sentence}"):
        Config(**values)


@pytest.mark.parametrize(
    "name, texts, value",
    [
        ("depth", ["12"], 12),
        ("depth", ["12.4"], 12),
        ("depth", ["99"], 30),
        ("depth", ["-5"], 1),
        ("depth", ["nan"], 10),
        ("depth", ["inf"], 10),
        ("depth", ["ten"], 10),
        ("depth", [], 10),
        ("mean", ["0.3"], 0.25),
        ("mean", ["1e308"], 2.0),
        ("rate", ["0.03"], 0.02),
        ("rate", ["0"], 0.001),
        ("reg", ["0"], 0.0),
        ("batch", ["9"], 4),
        ("scheme", ["xavier", "he"], "he"),
        ("scheme", ["<script>"], "he"),
        ("shown", ["elu", "tanh", "zzz"], ("tanh", "elu")),
        ("shown", ["zzz"], ("relu",)),
        ("bias", ["on"], True),
        ("bias", ["1"], False),
    ],
)
def test_odd_link_values_are_snapped(name, texts, value):
    assert KNOBS[name].parse(texts) == value


@given(st.lists(st.text(max_size=60), max_size=4))
def test_any_link_text_gives_an_allowed_value(texts):
    for knob in KNOBS.values():
        knob.check(knob.parse(texts))


@pytest.mark.parametrize(
    "text, ends",
    [
        ("0.001 to 1", (0.001, 1.0)),
        ("1e-3,1", (0.001, 1.0)),
        (" .001 1 ", (0.001, 1.0)),
        ("0.001–1", (0.001, 1.0)),
        ("0.001", "two numbers, such as 0.001 to 1, got '0.001'"),
        ("", "two numbers, such as 0.001 to 1, got ''"),
        ("a to b", "two numbers, such as 0.001 to 1, got 'a to b'"),
        ("1 2 3", "two numbers"),
        ("1 to 1e400", "between 0.000001 and 100, got inf"),
        ("nan to 1", "between 0.000001 and 100, got nan"),
        ("1 to 0.001", "the low end first"),
    ],
)
def test_a_typed_range_is_read_or_refused_with_a_sentence(text, ends):
    if isinstance(ends, tuple):
        assert KNOBS["rates"].read(text) == ends
        return
    with pytest.raises(ValueError, match=ends):
        KNOBS["rates"].read(text)


def test_a_range_that_need_not_be_given_may_be_left_empty():
    assert KNOBS["narrow"].read("  ") is None
    assert KNOBS["narrow"].texts(None) == [""]


def test_a_value_between_the_steps_of_a_range_is_allowed():
    config = Config(mean=0.3, rate=0.03)
    assert (config.mean, config.rate) == (0.3, 0.03)


def test_a_seed_is_told_from_other_numbers():
    assert [name for name, knob in KNOBS.items() if isinstance(knob, Seed)] == ["seed"]


def test_only_what_is_computed_tells_runs_apart():
    config = Config(depth=3, target=0.5)
    assert computed_part(config) == Config(depth=3)
    assert computed_part(replace(config, seed=1)) != computed_part(config)


def assert_values_survive_link_and_terminal(knobs):
    rng = np.random.default_rng(0)
    for name, knob in knobs.items():
        for value in [knob.default, *(knob.sample(rng) for _ in range(200))]:
            knob.check(value)
            assert knob.snap(value) == value, name
            assert knob.parse(knob.texts(value)) == value, name
            assert knob.read(",".join(knob.texts(value))) == value, name


def test_values_survive_link_and_terminal():
    assert_values_survive_link_and_terminal(KNOBS)


@experiments
def test_values_of_an_experiment_survive_link_and_terminal(experiment):
    assert_values_survive_link_and_terminal(experiment.knobs)


@experiments
def test_configs_are_flat_and_presets_stand_on_the_widgets_steps(experiment):
    assert set(experiment.knobs) == {field.name for field in fields(experiment.Config)}
    assert not set(experiment.knobs) & {"experiment", "present", "pin"}
    for preset in [experiment.Config(), experiment.SMALL, *experiment.PRESETS.values()]:
        for name, knob in experiment.knobs.items():
            assert knob.snap(getattr(preset, name)) == getattr(preset, name), name


def between_steps(knob):
    """Return an allowed value that the widget does not offer, None if there is none."""
    if not isinstance(knob, Number) or knob.listed or len(knob.steps) < 2:
        return None
    low, high = knob.steps[-2:]
    middle = (low + high) // 2 if knob.whole else (low + high) / 2
    return middle if middle not in knob.steps else None


@experiments
def test_every_value_between_two_steps_can_be_computed(experiment):
    between = {name: between_steps(knob) for name, knob in experiment.knobs.items()}
    for name, value in between.items():
        if value is not None:
            assert experiment.findings(experiment.run(replace(experiment.SMALL, **{name: value})))


def test_answers_only_look_and_are_known_by_their_mark():
    @dataclass(frozen=True, kw_only=True)
    class Asked(Checked):
        guess: str = answers(choice("open", ["open", "low"]))
        epochs: int = looks(numbers(5, [5, 10]))
        seed: int = seed()

    assert marked(Asked, "answers") == ("guess",)
    assert marked(Asked, "looks") == ("guess", "epochs")
    assert computed_part(Asked(guess="low", epochs=10, seed=3)) == Asked(seed=3)
