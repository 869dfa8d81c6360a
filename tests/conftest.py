"""What several tests share: the app in a test, opened at a link."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def open_link() -> Callable[[str, str], AppTest]:
    """Return a function that opens a chapter's page at a query string."""

    def opened(chapter: str, query: str = "") -> AppTest:
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
        for name, values in parse_qs(query, keep_blank_values=True).items():
            app.query_params[name] = values
        (page,) = (ROOT / "pages").glob(f"[0-9]_{chapter}.py")
        return app.switch_page(str(page.relative_to(ROOT))).run()

    return opened
