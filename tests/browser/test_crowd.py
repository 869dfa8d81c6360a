"""Several visitors at once, visitors who leave, and connections that break, in a real browser."""

import asyncio
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, Page, WebSocketRoute, expect
from streamlit.proto.WidgetStates_pb2 import WidgetState

from core.experiments import everything, load
from core.lab.experiment import Experiment
from core.lab.say import say
from pages.common.text import words
from tests.benchmarks.forged import attack
from tests.benchmarks.server import serving
from tests.benchmarks.visitor import link, visiting
from tests.browser.conftest import PATIENCE, settled

pytestmark = pytest.mark.browser

MESSAGES = 400  # forged; `tests.benchmarks.forged` sends 10,000 and measures the memory

SATURATION = load("activations", "saturation")
RACES = [load("activations", "race"), load("batchnorm", "race")]
FIVE = f"activations?{link(SATURATION, SATURATION.Config(depth=5))}"
DEPTH = '.st-key-activations-saturation-depth [data-testid="stSliderThumbValue"]'
STOP, QUESTION = words("runs")["stop"], words("question")["again"]
TRAINING = re.compile(re.escape(words("runs")["training"].split("{")[0]))


def long_run(seed: int, race: Experiment = RACES[0]) -> str:
    """Return the link of a training that takes seconds and that nobody has asked for."""
    config = replace(race.Config(), depth=race.knobs["depth"].snap(99), seed=seed)
    if "functions" in race.knobs:
        config = replace(config, functions=race.knobs["functions"].options)
    return f"{race.chapter}?{link(race, config)}"


def follow(page: Page, link: str) -> None:
    """Follow a link within the page, as Back and Forward do, and do not wait."""
    page.evaluate(
        "link => { history.pushState({}, '', link); dispatchEvent(new PopStateEvent('popstate')) }",
        link,
    )


def deeper(page: Page) -> None:
    """Move the depth knob up by one."""
    label = SATURATION.words["knobs"]["depth"]["label"]
    page.get_by_role("slider", name=label).first.focus()
    page.keyboard.press("ArrowRight")


def agree(page: Page, depth: int) -> None:
    """Expect address, knob and heading to say this depth."""
    page.wait_for_url(re.compile(rf"\bdepth={depth}\b"), timeout=PATIENCE)
    expect(page.locator(DEPTH)).to_have_text(str(depth), timeout=PATIENCE)
    expect(page.locator("h1")).to_contain_text(str(depth), timeout=PATIENCE)


class Connection:
    """A visitor's page whose connection can be cut and mended."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._sockets: list[WebSocketRoute] = []
        page.context.route_web_socket(re.compile("_stcore/stream"), self._connect)

    def _connect(self, socket: WebSocketRoute) -> None:
        socket.connect_to_server()
        self._sockets.append(socket)

    def cut(self) -> None:
        """Go offline, and wait until the page knows."""
        self.page.context.set_offline(True)
        for socket in self._sockets:
            socket.close(code=1001)
        self._sockets.clear()
        self.page.wait_for_selector(
            '[data-testid="stApp"]:not([data-test-connection-state="CONNECTED"])'
        )

    def mend(self) -> None:
        """Go online, and wait until the page has a connection again."""
        self.page.context.set_offline(False)
        self.page.wait_for_selector('[data-testid="stApp"][data-test-connection-state="CONNECTED"]')


@pytest.fixture
def connection(chromium: Browser, server: str) -> Iterator[Connection]:
    """Return a connection to a page at depth 6 that was at depth 5 before.

    Unlike with `visit`, errors in the console are allowed: a browser that is offline has some.
    """
    context = chromium.new_context(viewport={"width": 1280, "height": 720})
    context.set_default_timeout(PATIENCE)
    connection = Connection(context.new_page())
    connection.page.goto(f"{server}/{FIVE}")
    settled(connection.page)
    deeper(connection.page)
    agree(connection.page, 6)
    yield connection
    context.close()


def test_back_pressed_while_offline_takes_effect_after_reconnecting(connection):
    connection.cut()
    connection.page.go_back()
    connection.mend()
    agree(connection.page, 5)


def test_a_break_without_a_click_changes_nothing(connection):
    connection.cut()
    connection.mend()
    agree(connection.page, 6)
    deeper(connection.page)
    agree(connection.page, 7)
    connection.page.go_back()
    agree(connection.page, 6)


async def moved_before_the_answer(url: str) -> tuple[str, bool]:
    """Move the depth from 10 to 11 and 12 as a browser does that still shows the default's preset.

    Return the address after it, and whether the server has moved the depth in the browser.
    """
    async with visiting(url, SATURATION.chapter, link(SATURATION, SATURATION.Config())) as visitor:
        (presets,) = (w for w in visitor.widgets if f"{SATURATION.slug}:preset" in w)
        (depth,) = (w for w in visitor.widgets if w.endswith(f"{SATURATION.name}.depth"))
        shown = WidgetState(id=presets)
        shown.string_array_value.data.append(SATURATION.words["presets"]["lecture"])
        for value in (11, 12):
            moved = WidgetState(id=depth)
            moved.double_array_value.data.append(value)
            await visitor.rerun(moved=[shown, moved])
        return visitor.query, visitor.widgets[depth].set_value


def test_keys_that_are_faster_than_the_answers_all_count(server):
    with ThreadPoolExecutor(1) as thread:
        query, moved = thread.submit(asyncio.run, moved_before_the_answer(server)).result()
    assert "depth=12" in query
    assert not moved


def test_back_after_asking_the_question_again_shows_the_result(visit):
    page = visit(FIVE)
    page.get_by_role("button", name=QUESTION).click()
    expect(page.get_by_role("radiogroup").first).to_be_visible(timeout=PATIENCE)
    page.wait_for_url(lambda url: "answer" not in url)
    page.go_back()
    agree(page, 5)


@pytest.mark.parametrize("race", RACES, ids=lambda e: e.slug)
def test_who_leaves_in_the_middle_of_a_run_frees_the_place_and_stop_brings_back(visit, race):
    first, second = visit(FIVE), visit(FIVE)
    follow(first, long_run(4001, race))
    expect(first.get_by_text(TRAINING)).to_be_visible(timeout=PATIENCE)
    follow(second, long_run(4002, race))
    told = say(words("runs")["waiting"], {"before": 1})
    expect(second.get_by_text(told)).to_be_visible(timeout=PATIENCE)
    first.get_by_role("link", name=words("app")["overview"]).click()
    expect(second.get_by_text(TRAINING)).to_be_visible(timeout=PATIENCE)
    expect(first.locator("h1")).to_have_text(words("app")["title"], timeout=PATIENCE)
    second.get_by_role("button", name=STOP).click()
    expect(second.get_by_text(TRAINING)).to_be_hidden(timeout=PATIENCE)
    settled(second)
    assert "seed=4002" not in second.url


@pytest.mark.parametrize("race", RACES, ids=lambda e: e.slug)
def test_a_click_on_a_short_run_does_not_wait_for_a_long_one(visit, race):
    busy, other = visit(FIVE), visit(FIVE)
    follow(busy, long_run(4003, race))
    expect(busy.get_by_text(TRAINING)).to_be_visible(timeout=PATIENCE)
    deeper(other)
    agree(other, 6)
    expect(busy.get_by_text(TRAINING)).to_be_visible()


def test_a_race_is_drawn_while_it_trains(visit):
    page = visit(f"{RACES[1].chapter}?experiment={RACES[1].name}&answer=shown")
    finished = page.locator("svg text").all_text_contents()
    follow(page, long_run(4006, RACES[1]))
    expect(page.get_by_text(TRAINING)).to_be_visible(timeout=PATIENCE)
    page.wait_for_function(
        "seen => [...document.querySelectorAll('svg text')].map(t => t.textContent).join() != seen",
        arg=",".join(finished),
    )
    expect(page.get_by_text(TRAINING)).to_be_visible()
    page.get_by_role("button", name=STOP).click()
    expect(page.get_by_text(TRAINING)).to_be_hidden(timeout=PATIENCE)
    settled(page)
    assert page.locator("svg text").all_text_contents() == finished


def test_a_closed_window_frees_the_place(visit):
    gone, other = visit(FIVE), visit(FIVE)
    follow(gone, long_run(4004))
    expect(gone.get_by_text(TRAINING)).to_be_visible(timeout=PATIENCE)
    follow(other, long_run(4005))
    told = say(words("runs")["waiting"], {"before": 1})
    expect(other.get_by_text(told)).to_be_visible(timeout=PATIENCE)
    gone.close()
    expect(other.get_by_text(TRAINING)).to_be_visible(timeout=PATIENCE)
    other.get_by_role("button", name=STOP).click()
    expect(other.get_by_text(TRAINING)).to_be_hidden(timeout=PATIENCE)


def test_forged_messages_show_no_errors():
    with serving() as server, ThreadPoolExecutor(1) as thread:
        # In a thread of its own: Playwright's loop runs in this one.
        seen = thread.submit(asyncio.run, attack(server, MESSAGES, everything())).result()
    assert not seen.faults
    assert seen.messages >= MESSAGES
