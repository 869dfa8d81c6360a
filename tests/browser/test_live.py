"""A run under the visitor's hands: played, changed, paused, left and found again, and capped."""

import re

import pytest
from playwright.sync_api import Page, expect

from core.experiments import load
from core.lab.say import say
from pages.common.text import words
from tests.browser.conftest import PATIENCE, settled

pytestmark = pytest.mark.browser

LIVE = load("babysitting", "live")
TEXT, SAID = words("live"), LIVE.words["live"]
LINK = "babysitting?experiment=live&answer=shown&view=curves"
CHART = '[data-testid="stVegaLiteChart"]'
RUNNING = re.compile(SAID["running"].split("{")[0])
DOCTOR = re.compile(SAID["after"].split("{")[0])
EPOCH = re.compile(r"epoch (\d+)")
PAUSED = SAID["paused"].split("{")[0]
SOON = 5  # epochs within which a pause acts, of 20


def button(page: Page, name: str):
    return page.get_by_role("button", name=re.compile(f"{re.escape(TEXT[name])}$"))


def start(page: Page) -> None:
    button(page, "start").click()
    expect(page.locator("h1")).to_have_text(RUNNING, timeout=PATIENCE)


def reaches(page: Page, epoch: int) -> None:
    """Wait until the run is in an epoch or beyond it."""
    page.wait_for_function(
        "wanted => +(document.querySelector('h1')?.textContent.match(/\\d+/)?.[0]) >= wanted",
        arg=epoch,
        timeout=PATIENCE,
    )


def epoch_of(page: Page) -> int:
    return int(EPOCH.search(page.locator("h1").inner_text())[1])


def slider(page: Page):
    return page.get_by_role("slider", name=LIVE.words["knobs"]["learning_rate"]["label"]).first


def drawn(page: Page) -> list[str]:
    return page.locator(f"{CHART} svg text").all_text_contents()


def test_start_change_the_rate_pause_leave_and_return(visit):
    page = visit(LINK)
    expect(page.locator("h1")).to_have_text(SAID["ready"])
    start(page)
    reaches(page, 2)
    slider(page).press("ArrowRight")
    expect(page.locator(f"{CHART} svg").get_by_text("rate 0.001")).to_be_visible(timeout=PATIENCE)
    clicked = epoch_of(page)
    button(page, "pause").click()
    expect(page.locator("h1")).to_contain_text(PAUSED, timeout=PATIENCE)
    assert epoch_of(settled(page)) <= clicked + SOON
    before, epoch = drawn(page), epoch_of(page)
    page.get_by_role("link", name=words("app")["overview"]).click()
    expect(page.locator("h1")).to_have_text(words("app")["title"], timeout=PATIENCE)
    page.go_back()
    expect(page.locator("h1")).to_contain_text(f"epoch {epoch}", timeout=PATIENCE)
    assert drawn(settled(page)) == before
    button(page, "finish").click()
    expect(page.locator("h1")).to_have_text(DOCTOR, timeout=PATIENCE)
    assert "rate 0.001" in drawn(settled(page))


def test_dividing_the_rate_acts_once_and_stays(visit):
    page = visit(f"{LINK}&learning_rate=0.03")
    start(page)
    reaches(page, 1)
    for rate in ("0.003", "0.0003"):
        button(page, "divide").click()
        page.wait_for_url(re.compile(rf"learning_rate={rate}(&|$)|^(?!.*learning_rate)"))
        mark = page.locator(f"{CHART} svg").get_by_text(f"rate {rate}", exact=True)
        expect(mark).to_be_visible(timeout=PATIENCE)  # it has been trained with
    button(page, "finish").click()  # many pictures later
    expect(page.locator("h1")).to_have_text(DOCTOR, timeout=PATIENCE)
    settled(page)
    marks = [text for text in drawn(page) if text.startswith("rate ")]
    assert marks == ["rate 0.003", "rate 0.0003"]


def test_two_visitors_train_at_once(visit):
    first, second = visit(LINK), visit(f"{LINK}&learning_rate=0.03")
    start(first)
    start(second)
    for page in (first, second):
        expect(page.locator("h1")).to_have_text(DOCTOR, timeout=PATIENCE)


def test_the_run_pauses_with_a_note_and_the_cap_says_so(visit):
    page = visit(f"{LINK}&learning_rate=0.03&examples=60")
    for epochs in (20, 40, 60, 80, 100):
        button(page, "finish").click()
        expect(page.locator("h1")).to_have_text(DOCTOR, timeout=PATIENCE)
        page.wait_for_function(
            "end => [...document.querySelectorAll('svg text')].some(t => t.textContent == end)",
            arg=str(epochs),
            timeout=PATIENCE,
        )
        settled(page)
    expect(page.get_by_text(say(TEXT["cap"], {"epochs": 100}))).to_be_visible(timeout=PATIENCE)
    for name in ("resume", "step", "finish"):
        expect(button(page, name)).to_be_disabled()
    button(page, "anew").click()
    expect(page.locator("h1")).to_have_text(SAID["ready"], timeout=PATIENCE)
    expect(button(page, "start")).to_be_enabled()
    assert "before" in drawn(settled(page))


def test_another_knob_makes_another_run_and_brings_the_first_one_back(visit):
    page = visit(LINK)
    button(page, "step").click()
    expect(button(page, "resume")).to_be_visible(timeout=PATIENCE)
    tanh = page.get_by_role("radio", name="tanh")
    tanh.click()
    expect(page.locator("h1")).to_have_text(SAID["ready"], timeout=PATIENCE)
    page.get_by_role("radio", name="ReLU").click()
    expect(page.locator("h1")).to_have_text(say(SAID["paused"], {"epoch": 0}), timeout=PATIENCE)
