"""What several tests share: the app in a test, opened at a link, and each default run once."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from streamlit.testing.v1 import AppTest

from core.lab.experiment import Experiment
from core.lab.results import shipped

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


@cache
def _default(experiment: Experiment) -> Any:
    config = experiment.Config()
    return shipped(experiment, config) or experiment.run(config)


@pytest.fixture
def default_result() -> Callable[[Experiment], Any]:
    """Return a function from an experiment to the result of its defaults."""
    return _default
