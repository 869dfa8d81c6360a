"""Data of one's own: dropped into a page, it is shown there and nowhere else."""

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from core.experiments import everything
from pages.common.text import words
from tests.browser.conftest import PATIENCE, settled

pytestmark = pytest.mark.browser

TAKES_TABLES = [e for e in everything() if e.table_knobs is not None]
TEXT = words("table")


def rows(count: int) -> bytes:
    """Return a CSV of two related columns, a third one and a class."""
    x = np.random.default_rng(0).standard_normal((count, 3)) * (1, 20, 0.1) + (5, 0, 0)
    x[:, 1] += 10 * x[:, 0]
    lines = [f"{a},{b},{c},{'yes' if a > 5 else 'no'}" for a, b, c in x]
    return "\n".join(["width,weight,shine,ripe", *lines]).encode()


def drop(page: Page, content: bytes, name: str = "fruit.csv") -> None:
    fold = page.get_by_text(TEXT["title"], exact=True)
    if not page.locator('input[type="file"]').count():
        fold.click()
    upload = page.locator('input[type="file"]')
    upload.wait_for(state="attached", timeout=PATIENCE)
    upload.set_input_files({"name": name, "mimeType": "text/csv", "buffer": content})


@pytest.mark.parametrize("experiment", TAKES_TABLES, ids=lambda e: e.slug)
def test_a_table_is_shown_here_and_nowhere_else(visit, experiment):
    link = f"{experiment.chapter}?experiment={experiment.name}&answer=shown"
    page = settled(visit(link))
    setting = page.get_by_text("fruit.csv").first
    drop(page, rows(100))
    expect(setting).to_be_visible(timeout=PATIENCE)
    settled(page)
    assert page.locator('[data-testid="stVegaLiteChart"]').count() == 1
    assert "fruit" not in page.url and "table" not in page.url
    other = settled(visit(link))
    expect(other.get_by_text("fruit.csv")).to_have_count(0)
    page.get_by_role("button", name=TEXT["remove"]).click()
    expect(page.get_by_text("fruit.csv")).to_have_count(0, timeout=PATIENCE)
    settled(page)


def test_a_bad_file_gets_a_sentence_and_the_picture_stays(visit):
    experiment = TAKES_TABLES[0]
    page = settled(visit(f"{experiment.chapter}?experiment={experiment.name}&answer=shown"))
    heading = page.locator("h1").inner_text()
    for content, told in [(b"PK\x03\x04", "zip or Excel"), (b"a,b\n1,2\n3,nan\n5,6\n", "nan")]:
        drop(page, content)
        expect(page.get_by_role("alert")).to_contain_text(told, timeout=PATIENCE)
        assert settled(page).locator("h1").inner_text() == heading
    drop(page, rows(100))  # what follows a bad file is read as if nothing had been
    expect(page.get_by_text("fruit.csv").first).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_role("alert")).to_have_count(0)
