"""A real server and a real Chromium."""

import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parents[2]
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
ARGUMENTS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
PATIENCE = 60_000  # ms

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


def answers(url: str) -> bool:
    """Tell whether a server answers at its health address."""
    try:
        return urllib.request.urlopen(f"{url}/_stcore/health", timeout=5).status == 200
    except OSError:
        return False


@contextmanager
def running_server() -> Iterator[str]:
    """Start the app on a free port and return its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true"]
    command += ["--server.address", "127.0.0.1", "--server.port", str(port)]
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)
        try:
            url = f"http://127.0.0.1:{port}"
            while not answers(url):
                assert process.poll() is None, "the server ended"
            yield url
        finally:
            process.terminate()
            process.wait(20)
        log.seek(0)
        assert "Traceback" not in (said := log.read()), said


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
