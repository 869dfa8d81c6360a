"""What every experiment must keep, whatever it measures."""

import inspect
from dataclasses import asdict, fields

import numpy as np
import pytest

from core.charts import load_charts
from core.experiments import everything, load
from core.knobs import knobs_of
from core.results import shipped
from pages.common.prose import is_right, sentence, words

NOT_DETERMINISTIC = {("activations", "cost")}  # measures time
MOST_MARKS = 2000
REPEATABLE = 0.75  # of the accuracies

experiments = pytest.mark.parametrize("chapter, experiment", everything())


def random_configs(module, count):
    """Return configurations drawn from the knobs, on top of the small one."""
    rng = np.random.default_rng(1)
    small = asdict(module.SMALL)
    for _ in range(count):
        drawn = {name: knob.sample(rng) for name, knob in knobs_of(module.Config).items()}
        moved = [name for name in drawn if rng.random() < 0.5]
        yield module.Config(**{**small, **{name: drawn[name] for name in moved}})


def assert_speaks(chapter, experiment, result):
    """The findings of a result have words, and its tables are rectangular."""
    module, text = load(chapter, experiment), words(chapter)[experiment]
    found = module.findings(result)
    assert found
    for finding in found:
        assert isinstance(finding.holds, bool)
        assert sentence(text, finding, asdict(result.config))
        assert text["findings"][finding.claim]["claim"]
    for columns in module.tables(result).values():
        assert len({len(column) for column in columns.values()}) == 1


@experiments
def test_small_run_is_deterministic_and_says_something(chapter, experiment):
    module = load(chapter, experiment)
    first = module.run(module.SMALL)
    assert_speaks(chapter, experiment, first)
    if (chapter, experiment) in NOT_DETERMINISTIC:
        return
    second = module.run(module.SMALL)
    for field in fields(module.Result):
        np.testing.assert_equal(getattr(first, field.name), getattr(second, field.name))


@experiments
def test_every_knob_preset_and_option_has_words(chapter, experiment):
    module, text = load(chapter, experiment), words(chapter)[experiment]
    assert set(text["knobs"]) == set(knobs_of(module.Config))
    assert set(text["presets"]) == set(module.PRESETS)
    for key in ("name", "map", "read", "source", "torch"):
        assert text[key].strip()
    for option in text["question"]["options"]:
        assert option["text"] and option["reason"]
    for misreading in text.get("misreadings", []):
        assert misreading["said"] and misreading["true"]


@experiments
def test_exactly_one_answer_agrees_with_the_default_run(chapter, experiment):
    module, text = load(chapter, experiment), words(chapter)[experiment]
    config = module.Config()
    found = module.findings(shipped(chapter, experiment, config) or module.run(config))
    assert sum(is_right(option, found) for option in text["question"]["options"]) == 1


@experiments
def test_shown_functions_have_source_and_docstrings(chapter, experiment):
    for function in load(chapter, experiment).SHOWN:
        assert inspect.getsource(function) and function.__doc__


@experiments
def test_charts_draw_one_and_two_runs_within_bounds(chapter, experiment):
    module, chart = load(chapter, experiment), load_charts(chapter)[experiment]
    result = module.run(module.SMALL)
    for results in ({"now": result}, {"pinned": result, "now": result}):
        for panel in (panel for column in chart(results) for panel in column):
            assert panel.alt and panel.width > 0
            rows = sum(len(frame) for frame in panel.spec()["datasets"].values())
            assert rows < MOST_MARKS, panel.alt


@experiments
def test_slow_experiments_ship_their_default_result(chapter, experiment):
    module = load(chapter, experiment)
    assert module.COST in ("instant", "normal", "training")
    assert (shipped(chapter, experiment, module.Config()) is not None) == (module.COST != "instant")
    assert hasattr(module, "steps") == (module.COST == "training")


@pytest.mark.full
@experiments
def test_shipped_result_is_what_the_code_computes(chapter, experiment):
    module = load(chapter, experiment)
    stored = shipped(chapter, experiment, module.Config())
    if stored is None:
        assert module.COST == "instant"
        return
    computed = module.run(module.Config())
    for old, new in zip(module.findings(stored), module.findings(computed)):
        assert (old.claim, old.holds) == (new.claim, new.holds)
    for field in fields(module.Result):
        if field.name == "config":
            continue
        old, new = (np.asarray(getattr(r, field.name)) for r in (stored, computed))
        assert old.shape == new.shape
        if "accuracy" in field.name:
            # Two validation samples, since BLAS differs by machine. Where a rate is so high that
            # training is chaotic, a run cannot be repeated on another machine at all.
            assert (np.abs(old - new) <= 2 / 300).mean() >= REPEATABLE, field.name


@pytest.mark.full
@experiments
def test_every_choice_and_preset_runs_and_speaks(chapter, experiment):
    module, chart = load(chapter, experiment), load_charts(chapter)[experiment]
    for config in [*module.PRESETS.values(), *random_configs(module, 25)]:
        result = module.run(config)
        assert_speaks(chapter, experiment, result)
        for panel in (panel for column in chart({"now": result}) for panel in column):
            rows = sum(len(frame) for frame in panel.spec()["datasets"].values())
            assert rows < MOST_MARKS, (config, panel.alt)
