"""What a visitor sees: everything on one screen, on a phone, by keyboard, with help of readers."""

from dataclasses import asdict

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from core.experiments import CHAPTERS, everything, load
from core.knobs import knobs_of
from pages.common.pin import Pin
from tests.browser.conftest import settled

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True}
CHART = '[data-testid="stVegaLiteChart"]'
FOCUSABLE = """() => [...document.querySelectorAll(
    '[data-testid="stMain"] button, [data-testid="stMain"] input, [data-testid="stMain"] summary,'
    + '[data-testid="stMain"] [role=radio], [data-testid="stMain"] a[href]')]
  .filter(e => !e.disabled && e.getClientRects().length && !e.closest('details:not([open]) > div')
    && !e.closest('[data-testid="stElementToolbar"]') && e.tabIndex >= 0)"""


def link(chapter: str, experiment: str) -> str:
    """Return a link past the question: to the first preset that is not the default."""
    module = load(chapter, experiment)
    preset = next(p for p in module.PRESETS.values() if p != module.Config())
    knobs = Pin(knobs_of(module.Config)).of(asdict(preset))
    return f"{chapter}?experiment={experiment}&{knobs}"


def bottom(page: Page, selector: str) -> float:
    boxes = [element.bounding_box() for element in page.locator(selector).all()]
    return max(box["y"] + box["height"] for box in boxes if box)


def serious(page: Page) -> list[str]:
    """Return axe's violations of impact serious or critical."""
    found = Axe().run(page).response["violations"]
    return [
        f"{v['id']}: {[n['html'][:120] for n in v['nodes'][:3]]}"
        for v in found
        if v["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("chapter, experiment", everything())
def test_one_projector_screen_holds_picture_findings_and_knobs(visit, chapter, experiment):
    page = visit(link(chapter, experiment))
    seen = ["h1", CHART, 'p:has-text("holds")', 'p:has-text("fails")']
    seen += [f'[data-testid="{kind}"]:not(details *)' for kind in ("stSlider", "stButtonGroup")]
    for selector in seen:
        if page.locator(selector).count():
            assert bottom(page, selector) <= 720, selector


@pytest.mark.parametrize("chapter, experiment", everything())
def test_a_phone_shows_the_chart_before_the_knobs_and_nothing_too_wide(visit, chapter, experiment):
    page = visit(link(chapter, experiment), **PHONE)
    chart = page.locator(CHART).first.bounding_box()
    knob = page.get_by_text("Presets", exact=True).bounding_box()
    assert chart["y"] < knob["y"]
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 390


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "address",
    ["", *(c for c, names in CHAPTERS.items() if names), *(link(c, e) for c, e in everything())],
)
def test_axe_finds_nothing_serious(visit, address, scheme):
    page = visit(address, color_scheme=scheme)
    page.wait_for_load_state("networkidle")
    assert not serious(page)


@pytest.mark.parametrize("address", ["activations", link("babysitting", "overfit-tiny")])
def test_the_keyboard_alone_reaches_everything(visit, address):
    page = visit(address)
    page.evaluate(
        f"() => {{ window.wanted = new Set(({FOCUSABLE})()); window.count = wanted.size; }}"
    )
    assert page.evaluate("window.count") > 5
    page.locator("body").press("Tab")
    for _ in range(150):
        page.evaluate(
            """() => { const at = document.activeElement;
            for (const e of [...wanted]) if (e === at || e.contains(at) || at.contains(e)
                && at !== document.body || (at.name && at.name === e.name)
                || (e.getAttribute('role') === 'radio' && e.parentElement.contains(at))
                || (e.closest('[role=radiogroup]') && e.closest('[role=radiogroup]').contains(at)))
              wanted.delete(e); }"""
        )
        if not page.evaluate("wanted.size"):
            return
        page.keyboard.press("Tab")
    missed = page.evaluate("[...wanted].map(e => e.outerHTML.slice(0, 200))")
    raise AssertionError(missed)


def test_answering_by_keyboard_reveals_the_chart(visit):
    page = visit("babysitting")
    page.get_by_role("radio").nth(0).focus()
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Commit")).to_be_enabled()
    page.get_by_role("button", name="Commit").focus()
    page.keyboard.press("Enter")
    expect(page.locator(CHART).first).to_be_visible()
    expect(settled(page).get_by_text("You said:")).to_be_visible()


def test_presenter_mode_enlarges_type_and_charts_and_hides_the_text(visit):
    plain, presented = (visit(link("babysitting", "overfit-tiny") + p) for p in ("", "&present=1"))
    for locator, measure in (
        ("h1", "e => parseFloat(getComputedStyle(e).fontSize)"),
        (CHART, "e => e.getBoundingClientRect().height"),
    ):
        small, large = (p.locator(locator).first.evaluate(measure) for p in (plain, presented))
        assert large > 1.15 * small
    expect(plain.get_by_text("How to read it")).to_be_visible()
    expect(presented.get_by_text("How to read it")).to_have_count(0)


def test_the_overview_draws_and_leads_to_every_experiment(visit):
    page = visit("")
    assert page.locator(CHART).count() >= 1
    links = page.locator('[data-testid="stMain"] [data-testid="stPageLink"] a')
    assert links.count() == 1 + len(everything())  # one leads to the picture
    links.last.click()
    chapter, _ = everything()[-1]
    page.wait_for_url(f"**/{chapter}*")
    settled(page)
    expect(page.get_by_role("button", name="Commit")).to_be_visible()
