"""What a visitor sees: everything on one screen, on a phone, by keyboard, with help of readers."""

from dataclasses import asdict

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from core.charts.picture import AREA
from core.experiments import chapter_of, chapters_shown, everything
from pages.common.pin import Pin
from pages.common.text import words
from tests.browser.conftest import PATIENCE, settled

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True}
CHART = '[data-testid="stVegaLiteChart"]'
FOCUSABLE = """() => [...document.querySelectorAll(
    '[data-testid="stMain"] button, [data-testid="stMain"] input, [data-testid="stMain"] summary,'
    + '[data-testid="stMain"] [role=radio], [data-testid="stMain"] a[href]')]
  .filter(e => !e.disabled && e.getClientRects().length && !e.closest('details:not([open]) > div')
    && !e.closest('[data-testid="stElementToolbar"]') && e.tabIndex >= 0)"""
WIDER = """() => [...document.querySelectorAll('[data-testid="stMain"] *')].filter(e => {
    const r = e.getBoundingClientRect();
    return r.width > 1 && r.right > document.documentElement.clientWidth + 2 && !e.closest('svg')
      && !e.closest('.katex-mathml')  // read aloud, never seen
      && getComputedStyle(e).visibility !== 'hidden'; })
  .map(e => (e.dataset.testid || e.tagName) + ' ' + Math.round(e.getBoundingClientRect().right))"""
FIRST = [next(iter(chapter_of(chapter).values())) for chapter in chapters_shown()]
experiments = pytest.mark.parametrize("experiment", everything(), ids=lambda e: e.slug)


def link(experiment) -> str:
    """Return a link past the question: to the first preset that is not the default."""
    default = experiment.Config()
    preset = next(p for p in experiment.PRESETS.values() if p != default)
    knobs = Pin(experiment.knobs).of(asdict(preset))
    return f"{experiment.chapter}?experiment={experiment.name}&{knobs}"


def shown(experiment) -> str:
    """Return a link to the defaults past the question."""
    return f"{experiment.chapter}?experiment={experiment.name}&answer=shown"


def bottom(page: Page, selector: str) -> float:
    boxes = [element.bounding_box() for element in page.locator(selector).all()]
    return max(box["y"] + box["height"] for box in boxes if box)


BOX = f'g[class*="{AREA}_brush"]'


def serious(page: Page) -> list[str]:
    """Return axe's violations of impact serious or critical.

    The box that is drawn on a picture is left out: Vega makes its marks, and cannot name them. What
    it does, the fields of the ranges do too.
    """
    found = Axe().run(page, context={"exclude": [[BOX]]}).response["violations"]
    return [
        f"{v['id']}: {[n['html'][:120] for n in v['nodes'][:3]]}"
        for v in found
        if v["impact"] in ("serious", "critical")
    ]


@experiments
def test_one_screen_holds_everything_down_to_the_verdict(visit, experiment):
    page = visit(shown(experiment))
    box = page.locator(".st-key-verdict p").bounding_box()
    assert box["y"] + box["height"] <= 720
    assert page.locator(CHART).first.bounding_box()["height"] >= 380
    assert bottom(page, "h1") < page.locator(CHART).first.bounding_box()["y"]
    for name in ("reset", "pin", "present"):
        button = page.get_by_role("button", name=words("knobs")[name]).first
        assert button.bounding_box()["y"] < 700


@experiments
def test_a_phone_shows_the_picture_before_the_knobs_and_nothing_too_wide(visit, experiment):
    page = visit(link(experiment), **PHONE)
    chart = page.locator(CHART).first.bounding_box()
    knob = page.get_by_text(words("knobs")["presets"], exact=True).bounding_box()
    assert chart["y"] < knob["y"]
    assert page.evaluate(WIDER) == []


@pytest.mark.parametrize(
    "address, scheme",
    [
        *((address, "light") for address in ["", *chapters_shown(), *map(shown, everything())]),
        *((address, "dark") for address in ["", *chapters_shown(), *map(shown, FIRST)]),
    ],
)
def test_axe_finds_nothing_serious(visit, address, scheme):
    page = visit(address, color_scheme=scheme)
    page.wait_for_load_state("networkidle")
    assert not serious(page)


@pytest.mark.parametrize("address", ["activations", shown(everything()[-1])])
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


def test_answering_by_keyboard_reveals_the_picture(visit):
    page = visit("babysitting")
    page.get_by_role("radio").nth(0).focus()
    page.keyboard.press("Space")
    answer = page.get_by_role("button", name=words("question")["answer"])
    expect(answer).to_be_enabled(timeout=PATIENCE)
    answer.focus()
    page.keyboard.press("Enter")
    expect(page.locator(CHART).first).to_be_visible(timeout=PATIENCE)
    expect(settled(page).get_by_text("You said:")).to_be_visible()


def test_the_picture_keeps_its_place_while_a_knob_moves(visit):
    page = visit("activations?experiment=saturation&answer=shown")
    before = page.locator(CHART).bounding_box()
    page.evaluate(
        f"""() => {{ window.seen = []; const look = () => {{
        const c = document.querySelector('{CHART}');
        if (c) window.seen.push(Math.round(c.getBoundingClientRect().y));
        window.looking = requestAnimationFrame(look); }}; look(); }}"""
    )
    for _ in range(3):
        page.get_by_role("slider", name="Units in the chain").first.press("ArrowRight")
    page.wait_for_url("**depth=13**", timeout=PATIENCE)
    settled(page)
    seen = page.evaluate("[...new Set(window.seen)]")
    assert all(abs(y - before["y"]) <= 2 for y in seen), seen
    assert page.locator(CHART).bounding_box()["height"] == before["height"]


def test_full_screen_shows_the_whole_picture(visit):
    page = visit("activations?experiment=saturation&answer=shown")
    texts = page.locator(f"{CHART} svg text").all_text_contents()
    page.locator(CHART).hover()
    page.get_by_role("button", name="Fullscreen").first.click()
    page.wait_for_function(
        f"document.querySelector('{CHART}').getBoundingClientRect().height > 500", timeout=PATIENCE
    )
    assert sorted(page.locator(f"{CHART} svg text").all_text_contents()) == sorted(texts)


def test_the_overview_starts_the_path_and_leads_to_every_experiment(visit):
    page = visit("")
    links = page.locator('[data-testid="stMain"] [data-testid="stPageLink"] a')
    for experiment in everything():
        expect(links.filter(has_text=experiment.words["title"]).last).to_be_visible()
    links.last.click()
    last = everything()[-1]
    page.wait_for_url(f"**/{last.chapter}*", timeout=PATIENCE)
    expect(settled(page).locator("h1")).to_have_text(last.words["question"]["ask"])
