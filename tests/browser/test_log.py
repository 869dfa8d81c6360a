"""A run of one's own: its log is drawn and read by the doctor here, and nowhere else."""

import pytest
from playwright.sync_api import Page, expect

from pages.common.text import words
from tests.browser.conftest import PATIENCE, settled

pytestmark = pytest.mark.browser

LINK = "babysitting?experiment=live&answer=shown"
TEXT = words("log")
CHARTS = '[data-testid="stVegaLiteChart"]'


def keras() -> bytes:
    """Return the log of a run that overfits, as Keras writes it."""
    rows = [f"{e},{min(1, 0.5 + 0.1 * e)},{2 / (e + 1)},0.6,{1 + 0.1 * e}" for e in range(12)]
    return "\n".join(["epoch,accuracy,loss,val_accuracy,val_loss", *rows]).encode()


def drop(page: Page, content: bytes, name: str = "mine.csv") -> None:
    if not page.locator('input[type="file"]').count():
        page.get_by_text(TEXT["title"], exact=True).click()
    upload = page.locator('input[type="file"]')
    upload.wait_for(state="attached", timeout=PATIENCE)
    upload.set_input_files({"name": name, "mimeType": "text/csv", "buffer": content})


def test_a_log_is_drawn_and_read_here_and_nowhere_else(visit):
    page = settled(visit(LINK))
    drop(page, keras())
    expect(page.get_by_text("mine.csv")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("Overfitting.")).to_be_visible()
    expect(page.get_by_text(TEXT["lacks"])).to_be_visible()
    settled(page)
    assert page.locator(CHARTS).count() == 2
    assert "mine" not in page.url and "log" not in page.url
    other = settled(visit(LINK))
    expect(other.get_by_text("mine.csv")).to_have_count(0)
    page.get_by_role("button", name=TEXT["remove"]).click()
    expect(page.get_by_text("mine.csv")).to_have_count(0, timeout=PATIENCE)
    assert settled(page).locator(CHARTS).count() == 1


def test_a_bad_log_gets_a_sentence(visit):
    page = settled(visit(LINK))
    drop(page, b"epoch,loss\n1,2\n2,low\n")
    expect(page.get_by_role("alert")).to_contain_text('holds "low"', timeout=PATIENCE)
    drop(page, keras())
    expect(page.get_by_text("mine.csv")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_role("alert")).to_have_count(0)
