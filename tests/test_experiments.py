"""What every experiment must keep, whatever it measures."""

import csv
import inspect
import json
import re
import sys
from dataclasses import asdict, fields, replace
from functools import cache
from pathlib import Path

import altair as alt
import numpy as np
import pytest

from core.__main__ import is_typical
from core.charts.colours import COLOURS
from core.experiments import everything
from core.lab.datasets import DataError
from core.lab.finding import Outcome
from core.lab.knobs import Several
from core.lab.results import shipped, worth_shipping
from core.lab.say import say
from core.lab.table import Table
from core.lab.words import heading, is_right, sentence, setting
from core.nn import pool

ROOT = Path(__file__).parents[1]
NOT_DETERMINISTIC = {"activations/cost"}  # measures time
MOST_MARKS = 2000
LONGEST_HEADING = 100  # characters: two lines beside the knobs
LONGEST_TITLE = 42  # characters: as many does the list of experiments show
SMALLEST_TYPE = 14  # px
# Numbers of a heading that the picture cannot show, and why.
NOT_IN_PICTURE: dict[str, str] = {}

# By module: the tests of one experiment follow each other, and so share its small runs.
experiments = pytest.mark.parametrize(
    "experiment", everything(), ids=lambda e: e.slug, scope="module"
)


@cache
def small_result(experiment):
    """Return the result of the small run."""
    return experiment.run(experiment.SMALL)


class InThisThread:
    """A pool that works where it is called, so that a profile sees what it does."""

    map = staticmethod(map)


@cache
def small_result_again(experiment):
    """Run the same once more without the pool; return the result and all code that ran.

    Knobs that only choose what is looked at have other values.
    """
    only_look = [f.name for f in fields(experiment.Config) if f.metadata.get("looks")]
    rng = np.random.default_rng(0)
    moved = {name: experiment.knobs[name].sample(rng) for name in only_look}
    ran = set()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool, "_pool", InThisThread)
        sys.setprofile(lambda frame, event, _: ran.add(frame.f_code) if event == "call" else None)
        try:
            result = experiment.run(replace(experiment.SMALL, **moved))
        finally:
            sys.setprofile(None)
    return result, ran


@cache
def small_pictures(experiment):
    """Return the pictures of the small run by view.

    A channel given as a bare string, "x:Q" for alt.X("x:Q"), would have Altair look for its class
    among 570 schemas: 2 ms each, a third of the time that a picture takes.
    """

    def refuse(*_, **__):
        raise AssertionError("name a channel by its class")

    result = small_result(experiment)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(alt.SchemaBase, "from_dict", refuse)
        return {name: view(result, [result]) for name, view in experiment.views.items()}


def random_configs(experiment, count):
    """Return configurations drawn from the knobs, on top of the small one."""
    rng = np.random.default_rng(1)
    small = asdict(experiment.SMALL)
    for _ in range(count):
        drawn = {name: knob.sample(rng) for name, knob in experiment.knobs.items()}
        moved = [name for name in drawn if rng.random() < 0.5]
        yield experiment.Config(**{**small, **{name: drawn[name] for name in moved}})


def deselected(experiment):
    """Return the small configuration with all but one member of a several-choice, for each."""
    for name, knob in experiment.knobs.items():
        if isinstance(knob, Several):
            for member in knob.options:
                others = tuple(option for option in knob.options if option != member)
                yield replace(experiment.SMALL, **{name: others})


def assert_speaks(experiment, result):
    """The findings of a result have words without nan, and its tables are rectangular."""
    text, config = experiment.words, asdict(result.config)
    found = experiment.findings(result)
    assert found and len({f.claim for f in found}) == len(found)
    said = [heading(text, found, config), setting(text, config)]
    for finding in found:
        assert isinstance(finding.outcome, Outcome)
        said += [sentence(text, finding, config), text["findings"][finding.claim]["claim"]]
    for words in said:
        assert words and not re.search(
            r"\b(nan|inf|None)\b|\de-\d|[-−]0(\.0+)?\b(?!\.)|\{", words
        ), words
        assert not re.search(r"(?<![\d.,])1 (layer|unit|epoch|step|seed|network)s\b", words), words
    for columns in experiment.tables(result).values():
        assert len({len(column) for column in columns.values()}) == 1


def walk(part):
    """Yield every dictionary inside a specification."""
    if isinstance(part, dict):
        yield part
        for value in part.values():
            yield from walk(value)
    elif isinstance(part, list):
        for value in part:
            yield from walk(value)


def texts_of(spec):
    """Return all that is written in a picture, in one string."""
    written = [json.dumps({k: v for k, v in spec.items() if k != "datasets"}, ensure_ascii=False)]
    for data in spec["datasets"].values():
        strings = [column for column in data if data[column].map(type).eq(str).any()]
        written += [str(value) for column in strings for value in data[column]]
    return " ".join(written)


def assert_draws(experiment, *results, views=None):
    """Every view of the last of some results keeps to the grammar of pictures."""
    for name, view in (views or experiment.views).items():
        assert_keeps_to_grammar(name, view(results[-1], results).spec())


def assert_keeps_to_grammar(name, spec):
    """A view is one picture of bounded size, in type that can be read."""
    assert sum(len(data) for data in spec["datasets"].values()) < MOST_MARKS, name
    for part in walk({k: v for k, v in spec.items() if k != "datasets"}):
        assert not {"hconcat", "vconcat", "facet", "repeat"} & set(part), name
        assert part.get("fontSize", SMALLEST_TYPE) >= SMALLEST_TYPE, (name, part)
        assert part.get("height", 300) >= 300 or "mark" in part, (name, part)
    for legend in (part["legend"] for part in walk(spec.get("layer", [])) if part.get("legend")):
        assert not legend or "values" in legend, "a legend lists what is drawn"


@experiments
def test_small_run_says_something(experiment):
    assert_speaks(experiment, small_result(experiment))


@experiments
def test_a_second_run_gives_the_same_whatever_is_looked_at(experiment):
    if experiment.slug in NOT_DETERMINISTIC:
        return
    first, (second, _) = small_result(experiment), small_result_again(experiment)
    for field in fields(experiment.module.Result):
        if field.name != "config":
            np.testing.assert_equal(getattr(first, field.name), getattr(second, field.name))


@experiments
def test_every_knob_preset_view_and_option_has_words(experiment):
    text = experiment.words
    for knob in experiment.knobs:
        assert text["knobs"][knob]["label"], knob
    assert set(text["presets"]) == set(experiment.PRESETS)
    assert set(text["views"]) == set(experiment.views)
    for key in ("title", "setting", "see", "source", "torch"):
        assert text[key].strip()
    assert text["title"].endswith("?") and len(text["title"]) <= LONGEST_TITLE
    for claim, said in text["findings"].items():
        outcomes = {"claim", "holds", "fails", "unclear"}
        assert outcomes <= set(said) or said.get("identity"), claim


@experiments
def test_options_of_the_question_are_alike_and_have_reasons(experiment):
    options = experiment.words["question"]["options"]
    assert 2 <= len(options) <= 5
    assert all(option["text"] and option["reason"] for option in options)
    lengths = [len(option["text"]) for option in options]
    right = [len(o["text"]) for o in options if o.get("right_if", "").endswith("holds")]
    assert all(length < max(lengths) * 1.01 for length in right)
    assert max(lengths) < 3 * min(lengths), "an option stands out by its length"


@experiments
def test_exactly_one_answer_agrees_with_the_default_run(experiment, default_result):
    found = experiment.findings(default_result(experiment))
    assert sum(is_right(option, found) for option in experiment.words["question"]["options"]) == 1


@experiments
def test_shown_functions_have_docstrings_and_did_run(experiment):
    _, ran = small_result_again(experiment)
    for function in experiment.SHOWN:
        assert inspect.getsource(function) and function.__doc__
        assert inspect.unwrap(function).__code__ in ran, f"{function.__name__} did not run"


@experiments
def test_pictures_keep_to_the_grammar(experiment):
    for name, picture in small_pictures(experiment).items():
        assert_keeps_to_grammar(name, picture.spec())
    result = small_result(experiment)
    assert_draws(experiment, result, result)


@pytest.mark.full
@pytest.mark.parametrize("experiment", [e for e in everything() if e.COST == "training"], ids=str)
def test_what_a_training_has_so_far_can_be_drawn(experiment):
    for step in experiment.steps(experiment.SMALL):
        if isinstance(step, tuple):
            assert_draws(experiment, step[1])


@experiments
def test_the_default_headings_numbers_stand_in_the_picture(experiment, default_result):
    result = default_result(experiment)
    said = heading(experiment.words, experiment.findings(result), asdict(result.config))
    assert len(said) <= LONGEST_HEADING, said
    view = next(iter(experiment.views.values()))
    written = texts_of(view(result, [result]).spec())
    for number in re.findall(r"\d[\d,.]*%?", said):
        number = number.rstrip(".,")
        assert number in written or f"{experiment.slug} {number}" in NOT_IN_PICTURE, (number, said)


@experiments
def test_pictures_have_both_themes_and_a_projectors_size(experiment):
    pictures = [*small_pictures(experiment).values()]
    assert all(picture.alt for picture in pictures)
    light = pictures[0].spec()["config"]  # it is the same of all views
    dark = pictures[0].spec(dark=True, presenting=True)["config"]
    assert COLOURS["ink"][0] in json.dumps(light) and COLOURS["ink"][1] in json.dumps(dark)
    assert light["text"]["fontSize"] >= SMALLEST_TYPE and dark["text"]["fontSize"] >= 20


def visitors_tables():
    """Return tables that visitors may bring, by what is odd about them."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((150, 5)) * (1, 30, 0.2, 5, 1) + (3, 0, 0, 100, 0)
    columns = tuple(f"c{j}" for j in range(5))
    plain = Table("mine.csv", columns, x, np.arange(150) % 3, ("a", "b", "c"))
    constant = np.where(np.arange(5) == 1, 7.0, x)
    copied = np.where(np.arange(5) == 3, x[:, :1], x)
    rare = np.where(np.arange(5) == 2, np.arange(150)[:, None] == 9, x)
    wide = rng.standard_normal((120, 100))
    return {
        "plain": plain,
        "no class": replace(plain, labels=None, classes=()),
        "a constant column": replace(plain, x=constant),
        "two equal columns": replace(plain, x=copied),
        "a value that is seen once": replace(plain, x=rare),
        "integers": replace(plain, x=np.round(x)),
        "large": replace(plain, x=1e14 * x),
        "small": replace(plain, x=1e-9 * x),
        "far from 0": replace(plain, x=x + 1e6),
        "two columns": replace(plain, columns=columns[:2], x=x[:, :2]),
        "many columns": Table("wide.csv", tuple(f"column {j}" for j in range(100)), wide, None, ()),
        "many rows": replace(plain, x=np.tile(x, (500, 1)), labels=np.tile(plain.labels, 500)),
        "three rows": replace(plain, x=x[:3], labels=plain.labels[:3]),
    }


@pytest.mark.full
@pytest.mark.parametrize("odd", visitors_tables())
@pytest.mark.parametrize(
    "experiment", [e for e in everything() if e.table_knobs is not None], ids=lambda e: e.slug
)
def test_a_visitors_table_is_treated_like_the_rest(experiment, odd):
    table = visitors_tables()[odd]
    assert set(experiment.table_views) <= set(experiment.views)
    try:
        result = experiment.module.run(experiment.Config(), table)
    except DataError as error:
        assert odd == "three rows" and str(error)
        return
    assert_speaks(experiment, result)
    assert_draws(experiment, result, views=experiment.table_views)
    assert say(experiment.words["setting_table"], {"name": "x", "rows": 3, "columns": 2})


# Configurations drawn at random: fewer where each takes seconds.
RANDOM = {"instant": 10, "normal": 6, "training": 1}


@pytest.mark.full
@experiments
def test_every_choice_and_preset_runs_speaks_and_draws(experiment):
    configs = [*experiment.PRESETS.values(), *deselected(experiment)]
    configs += [*worth_shipping(experiment), *random_configs(experiment, RANDOM[experiment.COST])]
    for config in dict.fromkeys(configs):
        result = shipped(experiment, config) or experiment.run(config)
        assert_speaks(experiment, result)
        assert_draws(experiment, result)


SHIPPED = [e for e in everything() if e.COST != "instant"]
# Results of training differ between processors in their last digits, and chaotic runs in all of
# them: the mean over an array may differ by as much as this share of its range.
CHAOS = 0.02
# Deep networks that saturate enlarge rounding from layer to layer, as training does.
ENLARGES_ROUNDING = {"initialization/depth"}


@pytest.mark.parametrize("experiment", SHIPPED, ids=lambda e: e.slug)
def test_what_visitors_meet_first_is_shipped(experiment):
    missing = [c for c in worth_shipping(experiment) if shipped(experiment, c) is None]
    assert not missing, f"{len(missing)} results are missing or out of date: --write-results"


@pytest.mark.full
@pytest.mark.parametrize("experiment", SHIPPED, ids=lambda e: e.slug)
def test_shipped_results_are_what_the_code_computes(experiment):
    configs = worth_shipping(experiment)
    other = np.random.default_rng(0).integers(1, len(configs))
    for config in (configs[0], configs[other]):
        stored, computed = shipped(experiment, config), experiment.run(config)
        for field in fields(experiment.module.Result):
            old, new = (getattr(result, field.name) for result in (stored, computed))
            if field.name == "config" or np.asarray(old).dtype.kind not in "fiub":
                assert np.array_equal(old, new) or old == new
            elif experiment.COST == "training" or experiment.slug in ENLARGES_ROUNDING:
                assert np.shape(old) == np.shape(new)
                spread = np.nanmax(np.abs(np.where(np.isfinite(old), old, 0.0)), initial=1e-12)
                apart = np.abs(np.asarray(old, float) - new) / spread
                finite = np.where(np.isfinite(apart), apart, 0)
                assert finite.sum() <= CHAOS * max(finite.size, 1), field.name
            else:
                np.testing.assert_allclose(new, old, rtol=1e-6, atol=1e-9, err_msg=field.name)
        outcomes = [[str(f) for f in experiment.findings(r)] for r in (stored, computed)]
        assert experiment.COST == "training" or outcomes[0] == outcomes[1]


def verdict_rows():
    with (ROOT / "tests" / "verdicts.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@experiments
def test_every_claim_and_preset_was_held_against_20_other_seeds(experiment, default_result):
    rows = [row for row in verdict_rows() if row["experiment"] == experiment.slug]
    assert {row["preset"] for row in rows} == set(experiment.PRESETS)
    if "seed" in experiment.knobs:
        assert all(int(row["seeds"]) >= 20 for row in rows)
    atypical = [row for row in rows if not is_typical([*row.values()])]
    assert experiment.slug in NOT_DETERMINISTIC or not atypical, atypical
    default = next(n for n, p in experiment.PRESETS.items() if p == experiment.Config())
    told = {row["claim"]: row["shipped"] for row in rows if row["preset"] == default}
    found = {f.claim: str(f.outcome) for f in experiment.findings(default_result(experiment))}
    assert found.keys() <= told.keys()
    if experiment.slug not in NOT_DETERMINISTIC:
        assert all(told[claim] == outcome for claim, outcome in found.items()), (told, found)
