"""The way through: one click one step, the answer that teaches, keys, the projector."""

import re

import pytest
from playwright.sync_api import Page, expect

from core.experiments import chapter_of, chapters_shown, everything, load
from pages.common.text import words
from tests.browser.conftest import PATIENCE, settled

pytestmark = pytest.mark.browser

CHART = '[data-testid="stVegaLiteChart"]'
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True}
PROJECTORS = [{"viewport": {"width": w, "height": h}} for w, h in ((1280, 720), (1920, 1080))]
SATURATION = load("activations", "saturation")
QUESTION = SATURATION.words["question"]
PLACE = '[data-testid="stCaptionContainer"]'


def at(page: Page, experiment) -> None:
    """Wait until an experiment's page is drawn."""
    title = experiment.words["title"]
    expect(page.locator(PLACE).first).to_contain_text(title, timeout=PATIENCE)
    settled(page)


def click(page: Page, name: str) -> None:
    page.get_by_role("button", name=words("navigation").get(name) or name).first.click()


def bottom(page: Page, selector: str) -> float:
    box = page.locator(selector).last.bounding_box()
    return box["y"] + box["height"]


def test_next_and_previous_walk_every_step_of_the_lecture(visit):
    order = everything()
    page = visit(order[0].chapter)
    for experiment in order[1:]:
        click(page, "next")
        at(page, experiment)
    assert page.get_by_role("button", name=words("navigation")["next"]).is_disabled()
    for experiment in order[-2::-1]:
        click(page, "previous")
        at(page, experiment)
    assert page.get_by_role("button", name=words("navigation")["previous"]).is_disabled()


def test_one_chapter_by_keys_alone(visit):
    chapter = list(chapter_of("initialization").values())
    page = visit("initialization")
    for before, after in zip(chapter, chapter[1:]):
        page.keyboard.press("s")
        expect(page.locator(CHART).first).to_be_visible(timeout=PATIENCE)
        at(page, before)
        page.keyboard.press("n")
        at(page, after)
    page.keyboard.press("b")
    at(page, chapter[-2])
    expect(page.locator(CHART).first).to_be_visible(timeout=PATIENCE)
    page.keyboard.press("s")
    expect(page.get_by_role("radio").first).to_be_visible(timeout=PATIENCE)
    page.keyboard.press("p")
    page.wait_for_url(re.compile("present=1"), timeout=PATIENCE)
    settled(page).keyboard.press("p")
    page.wait_for_url(re.compile(r"^(?!.*present=1)"), timeout=PATIENCE)


def test_keys_rest_while_one_types(visit):
    page = visit("activations?experiment=saturation&answer=shown")
    page.get_by_text(words("knobs")["more"]).click()
    field = page.get_by_role("spinbutton").first
    expect(field).to_be_visible(timeout=PATIENCE)
    field.focus()
    page.keyboard.type("n")
    field.press("Enter")
    at(page, SATURATION)


@pytest.mark.parametrize("device", [{}, PHONE], ids=["1280x720", "phone"])
def test_a_wrong_answer_is_told_at_once_and_shrinks_when_a_knob_moves(visit, device):
    height = device.get("viewport", {}).get("height", 720)
    page = visit("activations?experiment=saturation", **device)
    page.get_by_text(QUESTION["options"][0]["text"]).click()
    answer = page.get_by_role("button", name=words("question")["answer"])
    expect(answer).to_be_enabled(timeout=PATIENCE)
    answer.click()
    expect(page.locator(CHART).first).to_be_visible(timeout=PATIENCE)
    settled(page)
    feedback = page.get_by_text(words("question")["wrong"])
    told = feedback.locator("xpath=ancestor::*[@data-testid='stMarkdown']")
    box = told.bounding_box()
    assert box["y"] + box["height"] <= height
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollTop") == 0
    for text in (QUESTION["ask"], QUESTION["options"][0]["text"], QUESTION["options"][1]["reason"]):
        expect(told).to_contain_text(text)
    assert "answer=a" in page.url
    page.get_by_role("slider", name="Units in the chain").first.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_url(re.compile("depth=11"), timeout=PATIENCE)
    settled(page)
    expect(page.get_by_text(QUESTION["ask"])).to_have_count(0)
    line = page.locator(PLACE).filter(has_text=QUESTION["options"][0]["text"])
    assert line.bounding_box()["height"] < 80
    page.reload()
    expect(line).to_be_visible(timeout=PATIENCE)
    page.get_by_role("button", name=words("question")["again"]).click()
    expect(page.get_by_role("radio").first).to_be_visible(timeout=PATIENCE)


def test_leaving_through_the_overview_and_coming_back_finds_everything(visit):
    page = visit("activations?experiment=saturation&depth=12")
    page.get_by_role("link", name=words("app")["overview"]).click()
    expect(page.get_by_role("heading", name=words("app")["title"])).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("12 sigmoids")).to_be_visible()
    page.get_by_role("link", name="Activations").first.click()
    page.wait_for_url(re.compile("depth=12"), timeout=PATIENCE)
    at(page, SATURATION)


@pytest.mark.parametrize(
    "experiment, window",
    [
        *((experiment, PROJECTORS[0]) for experiment in everything()),
        *((next(iter(chapter_of(c).values())), PROJECTORS[1]) for c in chapters_shown()),
    ],
    ids=lambda part: getattr(part, "slug", "") or str(part["viewport"]["height"]),
)
def test_a_hall_can_read_it(visit, experiment, window):
    page = visit(
        f"{experiment.chapter}?experiment={experiment.name}&answer=shown&present=1", **window
    )
    height = window["viewport"]["height"]
    drawn = page.locator(f"{CHART} svg, {CHART} canvas").first.bounding_box()
    assert drawn["height"] >= 0.6 * height
    assert drawn["y"] + drawn["height"] <= height
    scale = page.evaluate(
        f"""() => {{ const s = document.querySelector('{CHART} svg');
        return s ? s.getScreenCTM().a : 1; }}"""
    )
    sizes = page.evaluate(
        f"""() => [...document.querySelectorAll('{CHART} svg text')]
        .map(t => parseFloat(t.getAttribute('font-size')))"""
    )
    assert all(size * scale >= 19.5 for size in sizes), (min(sizes), scale)
    assert not page.locator('[data-testid="stHeader"]').is_visible()


@pytest.mark.parametrize("window", PROJECTORS, ids=lambda w: str(w["viewport"]["height"]))
def test_the_question_is_large_and_lettered(visit, window):
    page = visit("activations?experiment=saturation&present=1", **window)
    height = window["viewport"]["height"]
    size = page.locator("h1").evaluate("e => parseFloat(getComputedStyle(e).fontSize)")
    assert size >= 32 * height / 1080
    expect(page.get_by_text("A", exact=True)).to_be_visible()
    page.get_by_role("button", name=words("question")["show"]).click()
    expect(page.locator(CHART).first).to_be_visible(timeout=PATIENCE)
    page.keyboard.press("s")
    expect(page.get_by_role("radio").first).to_be_visible(timeout=PATIENCE)
