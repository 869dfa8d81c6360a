"""The link is the experiment: what the address bar promises, in a real browser."""

import re
from itertools import pairwise

import pytest
from playwright.sync_api import Page, expect

from core.experiments import everything, load
from pages.common.text import words
from tests.browser.conftest import PATIENCE, settled

pytestmark = pytest.mark.browser

DEEP = "activations?experiment=saturation&scale=2&depth=5"
CHART = '[data-testid="stVegaLiteChart"]'
PRESET = load("activations", "saturation").words["presets"]["weight4"]
SLOW = "initialization?experiment=training&depth=2&width=100&epochs=15&seed=9"


def heading(page: Page) -> str:
    return settled(page).locator("h1").inner_text()


def numbers(page: Page) -> list[str]:
    """Return the heading, the verdict and what is written in the picture."""
    return [
        heading(page),
        page.locator(".st-key-verdict p").inner_text(),
        *page.locator(f"{CHART} svg text").all_text_contents(),
    ]


def shows(page: Page, seen: list[str]) -> None:
    """Wait until the page shows what was seen."""
    expect(page.locator("h1")).to_have_text(seen[0], timeout=PATIENCE)
    assert numbers(page) == seen


def press(page: Page, slider: str, arrow: str = "ArrowRight") -> None:
    page.get_by_role("slider", name=slider).first.focus()
    page.keyboard.press(arrow)


def waits_for(page: Page, part: str) -> None:
    page.wait_for_url(re.compile(re.escape(part)), timeout=PATIENCE)
    settled(page)


def test_a_fresh_servers_first_request_is_a_deep_link_and_then_an_interaction(visit, fresh_server):
    page = visit(DEEP, url=fresh_server)
    first = heading(page)
    assert "5 sigmoids" in first
    expect(page.get_by_role("navigation")).to_contain_text("Initialization")
    press(page, "Units in the chain")
    waits_for(page, "depth=6")
    assert heading(page) != first
    assert "scale=2" in page.url


def test_reload_and_a_second_browser_show_the_same_numbers(visit):
    page = visit(DEEP)
    press(page, "Units in the chain")
    waits_for(page, "depth=6")
    seen = numbers(page)
    page.reload()
    shows(page, seen)
    assert numbers(visit(page.url.split("/", 3)[3])) == seen


def test_back_is_undo_and_forward_is_redo(visit):
    page = visit(DEEP)
    before = numbers(page)
    press(page, "Units in the chain")
    waits_for(page, "depth=6")
    after = numbers(page)
    page.go_back()
    waits_for(page, "depth=5")
    expect(page.locator("h1")).to_have_text(before[0], timeout=PATIENCE)
    assert numbers(page) == before
    page.go_forward()
    waits_for(page, "depth=6")
    expect(page.locator("h1")).to_have_text(after[0], timeout=PATIENCE)
    assert numbers(page) == after


def test_another_page_and_back_by_the_navigation_finds_it_as_it_was_left(visit):
    page = visit(DEEP)
    seen = numbers(page)
    page.get_by_role("link", name="Babysitting").click()
    expect(page).to_have_url(re.compile("/babysitting"), timeout=PATIENCE)
    settled(page)
    page.get_by_role("link", name="Activations").click()
    waits_for(page, "depth=5")
    assert numbers(page) == seen


def test_the_browsers_back_returns_from_the_next_chapter(visit):
    here, after = next(p for p in pairwise(everything()) if p[0].chapter != p[1].chapter)
    page = visit(f"{here.chapter}?experiment={here.name}&answer=shown")
    seen = numbers(page)
    page.get_by_role("button", name="Next").click()
    waits_for(page, f"/{after.chapter}")
    expect(page.get_by_role("radio").first).to_be_visible(timeout=PATIENCE)
    page.go_back()
    waits_for(page, f"/{here.chapter}")
    shows(page, seen)


def test_back_after_present_leaves_the_mode(visit):
    page = visit(DEEP)
    page.get_by_role("button", name="Present").click()
    waits_for(page, "present=1")
    page.go_back()
    page.wait_for_url(re.compile(r"^(?!.*present=1)"), timeout=PATIENCE)
    expect(page.locator('[data-testid="stHeader"]')).to_be_visible(timeout=PATIENCE)
    assert "depth=5" in page.url


def test_rapid_clicks_on_a_slow_run_lose_nothing(visit):
    page = visit(SLOW)
    for name in ("tanh", "Sigmoid", "ReLU", "Sigmoid", "tanh"):
        page.get_by_role("radio", name=name, exact=True).click()
    press(page, "Hidden layers")
    waits_for(page, "depth=3")
    # The last click's run, and no earlier one, is what the line over the picture speaks of.
    expect(page.locator(".st-key-line")).to_contain_text("3 hidden tanh layers", timeout=PATIENCE)
    settled(page)
    assert "activation=tanh" in page.url and "seed=9" in page.url and "width=100" in page.url
    seen = numbers(page)
    page.reload()
    shows(page, seen)


def test_a_stopped_training_gives_back_the_picture_before_it(visit):
    page = visit(SLOW)
    seen = numbers(page)
    page.get_by_role("slider", name="Hidden layers").first.press("End")  # the slowest
    page.get_by_role("button", name=words("runs")["stop"], exact=True).click()
    waits_for(page, "depth=2")
    shows(page, seen)


def test_a_training_draws_its_curves_as_they_grow(visit):
    page = visit(SLOW)
    page.evaluate(
        f"""() => {{ window.drawn = new Set(); const look = () => {{
        const lines = [...document.querySelectorAll('{CHART} svg .mark-line path')];
        window.drawn.add(lines.map(line => line.getAttribute('d')).join());
        requestAnimationFrame(look); }}; look(); }}"""
    )
    press(page, "Hidden layers")
    waits_for(page, "depth=3")
    assert page.evaluate("window.drawn.size") >= 3  # before, on the way, and in the end


def test_a_preset_moves_the_widgets_and_the_link(visit):
    page = visit(f"{DEEP}&seed=2")
    page.get_by_role("radio", name=PRESET).click()
    waits_for(page, "weight=4")
    assert "seed" not in page.url
    expect(page.get_by_role("radio", name=PRESET)).to_be_checked()


def test_a_pinned_run_stays_beside_the_next_one_and_in_the_link(visit):
    page = visit(DEEP)
    page.get_by_role("button", name="Pin").click()
    waits_for(page, "pin=")
    press(page, "Units in the chain")
    waits_for(page, "depth=6")
    expect(page.get_by_text("Pinned: Units in the chain 5")).to_be_visible()
    other = visit(page.url.split("/", 3)[3])
    expect(other.get_by_role("button", name="Unpin")).to_be_visible()
    expect(other.get_by_text("Pinned: Units in the chain 5")).to_be_visible()
