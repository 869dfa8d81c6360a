"""A box drawn on a picture sets the range of the next search, and goes with the next run."""

import re

import pytest
from playwright.sync_api import Page, expect

from core.experiments import load
from tests.browser.conftest import PATIENCE, settled

pytestmark = pytest.mark.browser

SEARCH = load("hpo", "coarse-to-fine")


def drawn_box(page: Page) -> None:
    """Draw a box inside the left frame."""
    chart = page.locator('[data-testid="stVegaLiteChart"]').bounding_box()
    page.mouse.move(chart["x"] + 250, chart["y"] + 170)
    page.mouse.down()
    page.mouse.move(chart["x"] + 320, chart["y"] + 290, steps=8)
    page.mouse.up()


def test_a_box_drawn_on_the_coarse_stage_is_what_the_fine_stage_searches(visit):
    page = settled(visit("hpo?experiment=coarse-to-fine&answer=shown&trials=20"))
    drawn_box(page)
    expect(page).to_have_url(re.compile("fine_learning_rates=.*fine_regs="), timeout=PATIENCE)
    settled(page)
    label = SEARCH.words["knobs"]["fine_learning_rates"]["label"]
    low, high = map(float, page.get_by_label(label, exact=True).input_value().split(" to "))
    assert 1e-5 < low < high < 10
    page.go_back()
    expect(page).not_to_have_url(re.compile("fine_regs="), timeout=PATIENCE)
    expect(page.get_by_label(label, exact=True)).to_have_value("", timeout=PATIENCE)


def swipe_up(page: Page, x: float, y: float) -> None:
    """Move a finger upwards by 140 px."""
    fingers = page.context.new_cdp_session(page)
    moves = [("touchStart", y), *(("touchMove", y - 10 * k) for k in range(1, 15)), ("touchEnd", 0)]
    for kind, at in moves:
        points = [] if kind == "touchEnd" else [{"x": x, "y": at}]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


def test_a_finger_on_the_picture_scrolls_the_page(visit):
    phone = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
    page = settled(visit("hpo?experiment=coarse-to-fine&answer=shown", **phone))
    chart = page.locator('[data-testid="stVegaLiteChart"]')
    top = chart.bounding_box()["y"]
    swipe_up(page, 200, top + 200)
    page.wait_for_function(
        "top => document.querySelector('[data-testid=stVegaLiteChart]')"
        ".getBoundingClientRect().top < top - 80",
        arg=top,
    )
    assert "fine_regs" not in page.url
