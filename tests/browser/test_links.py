"""The link is the experiment: what the address bar promises, in a real browser."""

import re
from itertools import pairwise

import pytest
from playwright.sync_api import Page, expect

from core.experiments import everything
from pages.common.navigation import neighbours
from tests.browser.conftest import PATIENCE, settled

pytestmark = pytest.mark.browser

DEEP = "activations?experiment=zero-centering&inputs=shifted&mean=0.5"
CHART = '[data-testid="stVegaLiteChart"]'
SLOW = "babysitting?experiment=overfit-tiny&epochs=500&hidden=100"


def heading(page: Page) -> str:
    return settled(page).locator("h1").inner_text()


def numbers(page: Page) -> list[str]:
    """Return the heading and every finding below it."""
    texts = settled(page).locator('[data-testid="stMain"] [data-testid="stMarkdown"]')
    return [heading(page), *(t for t in texts.all_inner_texts() if "holds" in t or "fails" in t)]


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
    assert "%" in first
    expect(page.get_by_role("navigation")).to_contain_text("Initialization")
    press(page, "Input mean")
    waits_for(page, "mean=0.75")
    assert heading(page) != first
    assert "inputs=shifted" in page.url


def test_reload_and_a_second_browser_show_the_same_numbers(visit):
    page = visit(DEEP)
    press(page, "Input mean")
    waits_for(page, "mean=0.75")
    seen = numbers(page)
    page.reload()
    shows(page, seen)
    assert numbers(visit(page.url.split("/", 3)[3])) == seen


def test_back_is_undo_and_forward_is_redo(visit):
    page = visit(DEEP)
    before = numbers(page)
    press(page, "Input mean")
    waits_for(page, "mean=0.75")
    after = numbers(page)
    page.go_back()
    waits_for(page, "mean=0.5")
    expect(page.locator("h1")).to_have_text(before[0], timeout=PATIENCE)
    assert numbers(page) == before
    page.go_forward()
    waits_for(page, "mean=0.75")
    expect(page.locator("h1")).to_have_text(after[0], timeout=PATIENCE)
    assert numbers(page) == after


def test_another_page_and_back_by_the_navigation_finds_it_as_it_was_left(visit):
    page = visit(DEEP)
    seen = numbers(page)
    page.get_by_role("link", name="Babysitting").click()
    expect(page).to_have_url(re.compile("/babysitting"), timeout=PATIENCE)
    settled(page)
    page.get_by_role("link", name="Activations").click()
    waits_for(page, "mean=0.5")
    assert numbers(page) == seen


def test_next_walks_across_chapters_and_the_browsers_back_returns(visit):
    chapter, experiment = next(
        here for here, after in pairwise(everything()) if here[0] != after[0]
    )
    after = neighbours(chapter, experiment)[1]
    page = visit(f"{chapter}?experiment={experiment}")
    page.get_by_role("button", name="Skip").click()
    expect(page.locator(CHART).first).to_be_visible(timeout=PATIENCE)
    seen = numbers(page)
    page.get_by_role("button", name="Next").click()
    waits_for(page, f"/{after[0]}")
    expect(page.get_by_role("button", name="Commit")).to_be_visible(timeout=PATIENCE)
    page.go_back()
    waits_for(page, f"/{chapter}")
    shows(page, seen)


def test_previous_within_a_chapter_and_back(visit):
    page = visit(DEEP)
    seen = numbers(page)
    before = neighbours("activations", "zero-centering")[0]
    page.get_by_role("button", name="Previous").click()
    waits_for(page, f"experiment={before[1]}")
    page.go_back()
    waits_for(page, "mean=0.5")
    shows(page, seen)


def test_rapid_clicks_on_a_slow_run_lose_nothing(visit):
    page = visit(f"{SLOW}&seed=3")
    for name in ("Frozen", "Signs shuffled", "Sign flipped", "Frozen", "Signs shuffled"):
        page.get_by_role("radio", name=name, exact=True).click()
    press(page, "Examples")
    waits_for(page, "examples=25")
    assert "bug=shuffled" in page.url and "seed=3" in page.url and "epochs=500" in page.url
    expect(page.get_by_text("(Signs shuffled)")).to_be_visible(timeout=PATIENCE)
    seen = numbers(page)
    page.reload()
    shows(page, seen)


def test_a_preset_moves_the_widgets_and_the_link(visit):
    page = visit("babysitting?experiment=overfit-tiny&seed=2")
    page.get_by_role("radio", name="A bug it misses").click()
    waits_for(page, "bug=shuffled")
    assert "seed" not in page.url
    expect(page.get_by_role("radio", name="Signs shuffled")).to_be_checked()


def test_a_pinned_run_stays_beside_the_next_one_and_in_the_link(visit):
    page = visit(DEEP)
    page.get_by_role("button", name="Pin").click()
    waits_for(page, "pin=")
    press(page, "Input mean")
    waits_for(page, "mean=0.75")
    expect(page.get_by_text(re.compile("^pinned: Input mean"))).to_be_attached()
    other = visit(page.url.split("/", 3)[3])
    expect(other.get_by_role("button", name="Unpin")).to_be_visible()
    expect(other.get_by_text(re.compile("^pinned: Input mean"))).to_be_attached()
