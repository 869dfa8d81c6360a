"""A real server and a real Chromium."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.benchmarks.server import serving

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
ARGUMENTS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
PATIENCE = 120_000  # ms

DRAWN = """() => {
  const app = document.querySelector('[data-testid="stApp"]');
  if (!app || app.getAttribute('data-test-script-state') !== 'notRunning') return false;
  const charts = [...document.querySelectorAll('[data-testid="stVegaLiteChart"]')];
  return !document.querySelector('[data-testid="stSkeleton"]') && document.querySelector('h1')
    && charts.every(c => c.querySelector('svg path, svg rect, svg text, canvas'));
}"""


def settled(page: Page) -> Page:
    """Wait until the script has ended and every chart is drawn."""
    page.wait_for_function(DRAWN, timeout=PATIENCE)
    return page


@contextmanager
def running_server() -> Iterator[str]:
    """Start the app and return its address; it must not have logged a traceback."""
    with serving() as server:
        yield server.url
        assert "Traceback" not in (said := server.log()), said


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """Return the address of a server that all tests share."""
    with running_server() as url:
        yield url


@pytest.fixture
def fresh_server() -> Iterator[str]:
    """Return the address of a server that nobody has visited."""
    with running_server() as url:
        yield url


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Return the browser; a missing one fails here."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Browser, server: str) -> Iterator[Callable[..., Page]]:
    """Return a function that opens a link as a new visitor; console errors fail the test."""
    contexts, faults = [], []

    def opened(link: str = "", url: str = server, **options: Any) -> Page:
        options = {"viewport": {"width": 1280, "height": 720}, **options}
        context = chromium.new_context(**options)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on(
            "console",
            lambda message: (
                faults.append(message.text)
                if message.type == "error" and "Failed to load resource" not in message.text
                else None
            ),
        )
        page.goto(f"{url}/{link}")
        return settled(page)

    yield opened
    for context in contexts:
        context.close()
    assert not faults
