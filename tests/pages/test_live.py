"""The run under a visitor's hands, driven without a browser."""

import pytest

from core.experiments import load
from core.lab.say import say
from pages.common import live
from pages.common.text import words

LIVE = load("babysitting", "live")
TEXT = words("live")
LINK = "experiment=live&view=curves"


@pytest.fixture
def app(open_link, monkeypatch):
    """Return the page of a run that has not begun; it does not wait between two pictures."""
    monkeypatch.setattr(live, "TICK", 0)
    return open_link("babysitting", f"{LINK}&answer=shown")


def desk(app):
    return app.session_state["babysitting/live:live"]


def click(app, label):
    next(b for b in app.button if b.label == label).click().run()
    assert not app.exception
    return app


def captions(app):
    return [caption.value for caption in app.caption]


def test_a_forgotten_run_pauses_and_says_so(app, monkeypatch):
    monkeypatch.setattr(live, "FORGOTTEN", -1.0)
    click(app, TEXT["start"])
    assert say(TEXT["forgotten"], {"minutes": live.FORGOTTEN / 60}) in captions(app)
    assert 0 < desk(app).run.step <= live.PACE and not desk(app).is_playing


def test_a_finished_run_has_the_doctors_note_and_what_its_advice_came_to(app):
    click(app, TEXT["finish"])
    told = next(m.value for m in app.markdown if desk(app).run.note.advice in m.value)
    assert desk(app).run.note.seen in told and LIVE.words["findings"]["T11"]["claim"] in told
    click(app, TEXT["step"])
    assert desk(app).run.goal > desk(app).run.epoch


def test_a_pinned_run_stays_while_others_come_and_go(app):
    click(app, TEXT["step"])
    click(app, words("knobs")["pin"])
    pinned = desk(app).before
    assert pinned.step[-1] == 1
    click(app, TEXT["step"])
    click(app, TEXT["anew"])
    assert desk(app).before is pinned and not desk(app).run.step
    click(app, words("knobs")["unpin"])
    assert desk(app).before is None
    click(click(app, TEXT["step"]), TEXT["anew"])
    assert desk(app).before.step[-1] == 1


def test_a_click_that_comes_before_the_new_run_is_drawn_plays_it(app):
    click(app, TEXT["step"])
    desk(app).begin_anew(LIVE, LIVE.Config())
    desk(app).play()
    assert desk(app).is_playing and not desk(app).run.step


def test_a_preset_begins_anew_and_knobs_that_come_back_bring_their_run_back(app):
    click(app, TEXT["step"])
    first, start = desk(app).run, "babysitting.live.start"
    app.get_by_key(start).set_value("small").run()
    assert desk(app).run is not first and not desk(app).run.step
    app.get_by_key(start).set_value("usual").run()
    assert desk(app).run is first
    next(p for p in app.pills if p.label == words("knobs")["presets"]).set_value("good").run()
    assert not desk(app).run.step and desk(app).run.config == LIVE.PRESETS["good"]


def test_the_pin_of_a_question_that_is_open_does_no_harm(open_link):
    app = open_link("babysitting", LINK)
    assert app.radio
    click(app, words("knobs")["pin"])
    assert not app.radio
