"""A run under the visitor's hands: played, changed, paused, left and found again, and capped."""

import re
from asyncio import create_task, gather, run, sleep
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from statistics import median

import pytest
from playwright.sync_api import Page, expect
from streamlit.proto.WidgetStates_pb2 import WidgetState

from core.experiments import load
from core.lab.say import say
from pages.common.text import words
from tests.benchmarks.visitor import Visitor, visiting
from tests.browser.conftest import PATIENCE, settled

pytestmark = pytest.mark.browser

LIVE = load("babysitting", "live")
TEXT, SAID = words("live"), LIVE.words["live"]
LINK = "babysitting?experiment=live&answer=shown&view=curves"
SATURATION = "experiment=saturation&answer=shown"
CHART = '[data-testid="stVegaLiteChart"]'
RUNNING = re.compile(SAID["running"].split("{")[0])
DOCTOR = re.compile(SAID["after"].split("{")[0])
EPOCH = re.compile(r"epoch (\d+)")
SOON = 500  # ms within which a pause acts


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
    page.evaluate(
        """label => {
        addEventListener('click', () => { window.clicked = performance.now(); }, true);
        window.acted = new Promise(done => {
        const look = () => document.querySelector('h1').textContent.startsWith(label)
          ? done(performance.now()) : requestAnimationFrame(look); look(); }); }""",
        SAID["paused"].split("{")[0],
    )
    button(page, "pause").click()
    assert page.evaluate("window.acted.then(acted => acted - window.clicked)") <= SOON
    settled(page)
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


async def waits(url: str) -> tuple[float, float]:
    """Return how long a visitor's clicks take alone, and while two others train (medians, s)."""
    page, query = LINK.split("?")

    async def clicks(visitor: Visitor, depths: Iterable[int]) -> float:
        return median([await visitor.rerun(f"{SATURATION}&depth={depth}") for depth in depths])

    async with (
        visiting(url, page, query) as first,
        visiting(url, page, f"{query}&seed=1") as second,
        visiting(url, "activations", SATURATION) as third,
    ):
        await clicks(third, range(3, 12))  # what is drawn for the first time takes longer
        alone = await clicks(third, range(3, 12))
        runs = []
        for player in (first, second):
            (pressed,) = (
                w for w, b in player.widgets.items() if getattr(b, "label", "") == TEXT["start"]
            )
            runs.append(
                create_task(player.rerun(moved=[WidgetState(id=pressed, trigger_value=True)]))
            )
        await sleep(1)
        beside = await clicks(third, range(3, 12))
        assert not any(run.done() for run in runs)
        await gather(*runs)
    return alone, beside


def test_who_clicks_elsewhere_is_not_held_up_by_two_trainings(server):
    with ThreadPoolExecutor(1) as thread:  # Playwright's loop runs in this one
        alone, beside = thread.submit(run, waits(server)).result()
    assert beside <= 3 * alone, (alone, beside)


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
