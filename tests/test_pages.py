"""Every page, driven without a browser."""

import json
import random
import re
import string

import pytest

from core.experiments import CHAPTERS, everything, load
from core.knobs import knobs_of
from pages.common.prose import words

CHAPTERS_SHOWN = [chapter for chapter, experiments in CHAPTERS.items() if experiments]


def charts(app):
    return app.get("vega_lite_chart")


def answered(open_link, chapter, experiment, query=""):
    """Open an experiment past its question."""
    app = open_link(chapter, f"experiment={experiment}{query}")
    for button in app.button:
        if button.label.startswith("Skip"):
            return button.click().run()
    return app


@pytest.mark.parametrize("chapter", ["overview", *CHAPTERS_SHOWN])
def test_page_opens_with_one_heading_and_no_exception(open_link, chapter):
    app = open_link(chapter)
    assert not app.exception
    headings = len(app.title) + sum(m.value.startswith("# ") for m in app.markdown)
    assert headings == 1


@pytest.mark.parametrize("chapter, experiment", everything())
def test_a_question_stands_in_the_charts_place_until_it_is_skipped(open_link, chapter, experiment):
    app = open_link(chapter, f"experiment={experiment}")
    assert not charts(app) and app.radio
    shown = answered(open_link, chapter, experiment)
    assert not shown.exception
    assert charts(shown) and not shown.radio


@pytest.mark.parametrize("chapter, experiment", everything())
def test_committing_an_answer_reveals_its_reason(open_link, chapter, experiment):
    app = open_link(chapter, f"experiment={experiment}")
    app.radio[0].set_value(0).run()
    (commit,) = (button for button in app.button if button.label == "Commit")
    commit.click().run()
    reason = words(chapter)[experiment]["question"]["options"][0]["reason"]
    assert charts(app)
    assert any(reason in m.value for m in app.markdown)


@pytest.mark.parametrize("chapter, experiment", everything())
def test_heading_states_the_first_finding_and_charts_carry_it(open_link, chapter, experiment):
    app = answered(open_link, chapter, experiment)
    (heading,) = (m.value for m in app.markdown if m.value.startswith("# "))
    badge = heading.split("\n\n")[1]
    claim, outcome = re.search(r"/\w+: (\S+) (holds|fails)]", badge).groups()
    said = f"{claim} {outcome}.".replace("fails", "does not hold")
    assert all(chart.proto.alt.endswith(said) for chart in charts(app))


@pytest.mark.parametrize("chapter, experiment", everything())
def test_charts_stay_small_and_have_data(open_link, chapter, experiment):
    app = answered(open_link, chapter, experiment)
    for chart in charts(app):
        assert json.loads(chart.proto.spec)
        assert 0 < sum(len(d.data.data) for d in chart.proto.datasets) < 300_000


def test_a_link_sets_the_knobs_and_skips_the_question(open_link):
    app = open_link("activations", "experiment=zero-centering&inputs=shifted&mean=0.5&seed=7")
    assert app.session_state["activations.zero-centering.mean"] == 0.5
    assert app.session_state["activations.zero-centering.inputs"] == "shifted"
    assert charts(app)


def test_knobs_of_another_experiment_are_ignored(open_link):
    app = open_link("activations", "experiment=zero-centering&depth=20")
    assert not app.exception and "depth" not in app.query_params


def test_reset_brings_back_the_defaults(open_link):
    app = open_link("activations", "experiment=zero-centering&mean=0.5&seed=7")
    (reset,) = (button for button in app.button if button.label == "Reset")
    reset.click().run()
    assert app.session_state["activations.zero-centering.seed"] == 0
    assert "seed" not in app.query_params


def test_a_preset_moves_every_knob_and_the_link(open_link):
    app = open_link("activations", "experiment=zero-centering&seed=7")
    (presets,) = (p for p in app.get("button_group") if p.label == "Presets")
    presets.set_value("batch").run()
    assert app.session_state["activations.zero-centering.batch_size"] == 64
    assert app.session_state["activations.zero-centering.seed"] == 0
    assert app.query_params["batch_size"] == "64"


def test_a_pinned_run_is_drawn_beside_the_current_one_and_travels_with_the_link(open_link):
    app = open_link("babysitting", "experiment=overfit-tiny&examples=5&epochs=50")
    (pin,) = (button for button in app.button if button.label == "Pin")
    pin.click().run()
    app.get_by_key("babysitting.overfit-tiny.examples").set_value(10).run()
    assert app.query_params["pin"] == "examples=5&epochs=50"
    assert not app.exception
    again = open_link(
        "babysitting",
        "experiment=overfit-tiny&examples=10&epochs=50&pin=examples%3D5%26epochs%3D50",
    )
    assert charts(again)[0].proto.spec == charts(app)[0].proto.spec


def test_presenter_mode_hides_text_and_spare_knobs(open_link):
    plain = open_link("babysitting", "experiment=overfit-tiny&seed=1")
    presented = open_link("babysitting", "experiment=overfit-tiny&seed=1&present=1")
    assert {e.label for e in plain.expander} >= {"More knobs", "How to read it"}
    assert not {e.label for e in presented.expander} & {"More knobs", "How to read it"}
    fonts = [
        json.loads(charts(app)[0].proto.spec)["config"]["axis"]["labelFontSize"]
        for app in (plain, presented)
    ]
    assert fonts[1] > fonts[0]


def hostile_queries(count):
    """Return query strings that a fuzzer or a bad hand might send."""
    rng = random.Random(0)
    odd = ["nan", "inf", "-inf", "1e308", "-5", "99999999999999999999", "<script>alert(1)</script>"]
    odd += ["", "%00", "../../etc/passwd", "None", "[]", "{}", "0x10", "١٢", "true", "' OR 1=1"]
    queries = []
    for _ in range(count):
        chapter, experiment = rng.choice(everything())
        names = [*knobs_of(load(chapter, experiment).Config), "pin", "present", "experiment", "x"]
        pairs = [f"experiment={rng.choice([experiment, experiment, 'nowhere', ''])}"]
        for _ in range(rng.randint(1, 6)):
            noise = "".join(rng.choice(string.printable[:94]) for _ in range(rng.randint(1, 40)))
            pairs.append(f"{rng.choice(names)}={rng.choice([*odd, noise])}")
        queries.append((chapter, "&".join(pairs)))
    return queries


def test_200_hostile_queries_give_a_normal_page(open_link):
    for chapter, query in hostile_queries(200):
        app = open_link(chapter, query)
        assert not app.exception, (chapter, query)
        assert charts(app) or app.radio, (chapter, query)
