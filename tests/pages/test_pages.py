"""Every page, driven without a browser."""

import json
import random
import string

import pytest

from core.experiments import chapters_shown, everything, load
from core.lab.words import heading, setting
from pages.common.controls import selected_preset
from pages.common.navigation import neighbours, place_of
from pages.common.text import words

experiments = pytest.mark.parametrize("experiment", everything(), ids=lambda e: e.slug)
SATURATION = load("activations", "saturation")


def charts(app):
    return app.get("vega_lite_chart")


def headings(app):
    return [m.value[2:] for m in app.markdown if m.value.startswith("# ")]


def button(app, label):
    return next(b for b in app.button if b.label == label)


def shown(open_link, experiment, query=""):
    """Open an experiment past its question."""
    return open_link(experiment.chapter, f"experiment={experiment.name}&answer=shown{query}")


@pytest.mark.parametrize("page", ["overview", *chapters_shown()])
def test_page_opens_with_one_heading_and_no_exception(open_link, page):
    app = open_link(page)
    assert not app.exception
    assert len(app.title) + len(headings(app)) == 1


@experiments
def test_a_question_stands_in_the_pictures_place_until_the_result_is_asked_for(
    open_link, experiment, default_result
):
    app = open_link(experiment.chapter, f"experiment={experiment.name}")
    assert headings(app) == [experiment.words["question"]["ask"]]
    assert [option[2] for option in app.radio[0].options] == ["A", "B", "C", "D"][
        : len(app.radio[0].options)
    ]
    button(app, words("question")["show"]).click().run()
    assert not app.exception and not app.radio and len(charts(app)) == 1
    assert app.query_params["answer"] == "shown"
    result = default_result(experiment)
    if experiment.slug != "activations/cost":  # measures time anew
        config = {knob: getattr(result.config, knob) for knob in experiment.knobs}
        assert headings(app) == [heading(experiment.words, experiment.findings(result), config)]
        assert setting(experiment.words, config) in [c.value for c in app.caption]


@pytest.mark.full
@experiments
def test_every_answer_is_told_what_was_measured_and_why(open_link, experiment):
    options = experiment.words["question"]["options"]
    for letter, option in zip("abcd", options):
        app = open_link(experiment.chapter, f"experiment={experiment.name}&answer={letter}")
        assert not app.exception and charts(app)
        (told,) = (m.value for m in app.markdown if experiment.words["question"]["ask"] in m.value)
        assert option["text"] in told and option["reason"] in told
        verdicts = [words("question")[name] for name in ("right", "wrong")]
        assert sum(verdict in told for verdict in verdicts) == 1


def test_the_feedback_shrinks_to_one_line_when_a_knob_moves_and_the_question_comes_back(open_link):
    app = open_link("activations", "experiment=saturation&answer=a")
    app.get_by_key("activations.saturation.depth").set_value(5).run()
    own = SATURATION.words["question"]["options"][0]["text"]
    (line,) = (c.value for c in app.caption if own in c.value)
    assert words("question")["wrong"].rstrip(".") in line
    assert not any(SATURATION.words["question"]["ask"] in m.value for m in app.markdown)
    button(app, words("question")["again"]).click().run()
    assert app.radio and not charts(app)
    assert app.session_state["activations.saturation.depth"] == 5


@experiments
def test_the_small_line_names_chapter_place_and_question(open_link, experiment):
    app = shown(open_link, experiment)
    assert app.caption[0].value == place_of(experiment)
    assert experiment.words["title"] in app.caption[0].value


@experiments
def test_every_view_has_a_link_and_draws(open_link, experiment):
    drawn = set()
    for view in experiment.views:
        app = shown(open_link, experiment, f"&view={view}")
        assert not app.exception
        (chart,) = charts(app)
        assert 0 < sum(len(d.data.data) for d in chart.proto.datasets) < 300_000
        drawn.add(chart.proto.spec)
    assert len(drawn) == len(experiment.views)


def test_a_link_sets_the_knobs_and_skips_the_question(open_link):
    app = open_link("activations", "experiment=saturation&depth=7&seed=7")
    assert app.session_state["activations.saturation.depth"] == 7
    assert app.session_state["activations.saturation.seed"] == 7
    assert charts(app)


def test_knobs_of_another_experiment_are_ignored(open_link):
    app = open_link("activations", "experiment=saturation&batch_size=20")
    assert not app.exception and "batch_size" not in app.query_params


def test_reset_brings_back_the_defaults(open_link):
    app = open_link("activations", "experiment=saturation&depth=7&seed=7")
    button(app, words("knobs")["reset"]).click().run()
    assert app.session_state["activations.saturation.seed"] == 0
    assert "seed" not in app.query_params


@pytest.mark.full
@experiments
def test_every_preset_moves_every_knob_and_the_link_and_stays_highlighted(open_link, experiment):
    app = shown(open_link, experiment)

    def pills():
        return next(p for p in app.pills if p.label == words("knobs")["presets"])

    for name, preset in list(experiment.PRESETS.items())[:3]:
        pills().set_value(name).run()
        for knob in experiment.knobs:
            value = app.session_state[f"{experiment.chapter}.{experiment.name}.{knob}"]
            wanted = getattr(preset, knob)
            assert (tuple(value) if isinstance(wanted, tuple) else value) == wanted
        for _ in range(2):
            assert pills().value == selected_preset(experiment, preset)
            app.run()


def test_a_pinned_run_is_drawn_above_the_current_one_and_travels_with_the_link(open_link):
    app = open_link("activations", "experiment=saturation&depth=5")
    button(app, words("knobs")["pin"]).click().run()
    assert any(words("knobs")["pinned_alone"] in m.value for m in app.markdown)
    app.get_by_key("activations.saturation.depth").set_value(10).run()
    assert app.query_params["pin"] == "depth=5"
    assert not app.exception and len(charts(app)) == 2
    assert any("Units in the chain 5" in m.value for m in app.markdown)
    again = open_link("activations", "experiment=saturation&answer=shown&pin=depth%3D5")
    assert [c.proto.spec for c in charts(again)] == [c.proto.spec for c in charts(app)]


def test_presenter_mode_hides_tabs_and_enlarges_type(open_link):
    plain, presented = (shown(open_link, SATURATION, p) for p in ("", "&present=1"))
    assert plain.tabs and not presented.tabs
    fonts = [
        json.loads(charts(app)[0].proto.spec)["config"]["axis"]["labelFontSize"]
        for app in (plain, presented)
    ]
    assert fonts[0] >= 14 and fonts[1] >= 20


def test_present_survives_the_overview(open_link):
    assert open_link("overview", "present=1").query_params["present"] == "1"


@experiments
def test_next_and_previous_are_one_step(experiment):
    before, after = neighbours(experiment)
    order = everything()
    at = order.index(experiment)
    assert before == (order[at - 1] if at else None)
    assert after == (order[at + 1] if at + 1 < len(order) else None)


def hostile_queries(count):
    """Return query strings that a fuzzer or a bad hand might send."""
    rng = random.Random(0)
    odd = ["nan", "inf", "-inf", "1e308", "-5", "99999999999999999999", "<script>alert(1)</script>"]
    odd += ["", "%00", "../../etc/passwd", "None", "[]", "{}", "0x10", "١٢", "true", "' OR 1=1"]
    queries = []
    for _ in range(count):
        experiment = rng.choice(everything())
        names = [*experiment.knobs, "pin", "present", "experiment", "view", "answer", "x"]
        pairs = [f"experiment={rng.choice([experiment.name, experiment.name, 'nowhere', ''])}"]
        for _ in range(rng.randint(1, 6)):
            noise = "".join(rng.choice(string.printable[:94]) for _ in range(rng.randint(1, 40)))
            pairs.append(f"{rng.choice(names)}={rng.choice([*odd, noise])}")
        queries.append((experiment.chapter, "&".join(pairs)))
    return queries


@pytest.mark.full
def test_300_hostile_queries_give_a_normal_page(open_link):
    for chapter, query in hostile_queries(300):
        app = open_link(chapter, query)
        assert not app.exception, (chapter, query)
        assert charts(app) or app.radio, (chapter, query)


def test_20_hostile_queries_give_a_normal_page(open_link):
    for chapter, query in hostile_queries(20):
        app = open_link(chapter, query)
        assert not app.exception, (chapter, query)
        assert charts(app) or app.radio, (chapter, query)


def test_answers_about_runs_are_scored_once_and_taken_back_with_the_next_run(open_link):
    experiment = load("babysitting", "read-the-curve")
    guess, seed = (f"babysitting.read-the-curve.{knob}" for knob in ("guess", "seed"))
    told = words("score")

    def scored(app):
        assert not app.exception
        return [m.value for m in app.markdown if m.value.startswith(f"**{told['right']}")] + [
            m.value for m in app.markdown if m.value.startswith(f"**{told['wrong']}")
        ]

    causes = experiment.module.CAUSES
    right = [causes[experiment.run(experiment.Config(seed=s)).cause] for s in (0, 1)]
    app = shown(open_link, experiment)
    assert not scored(app)
    app.get_by_key(guess).set_value(right[0]).run()
    (line,) = scored(app)
    assert line.endswith("1 of 1.")
    assert experiment.words["knobs"]["guess"]["reasons"][right[0]] in line
    app.get_by_key(seed).set_value(1).run()
    assert not scored(app) and app.session_state[guess] == "open"
    wrong = next(cause for cause in causes if cause != right[1])
    for own in (wrong, right[1]):  # the first answer to a curve counts
        app.get_by_key(guess).set_value(own).run()
        (line,) = scored(app)
        assert (told["right"] in line) == (own == right[1]) and line.endswith("1 of 2.")
