"""The words: one TOML file per chapter, one table per experiment."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from core.finding import Finding

FOLDER = Path(__file__).parents[1] / "text" / "en"


@cache
def words(chapter: str) -> dict[str, Any]:
    """Return all text of a chapter."""
    return tomllib.loads((FOLDER / f"{chapter}.toml").read_text(encoding="utf-8"))


def sentence(text: Mapping[str, Any], finding: Finding, config: Mapping[str, Any]) -> str:
    """Say what was found, with the measured numbers and the knobs in it."""
    template = text["findings"][finding.claim]["holds" if finding.holds else "fails"]
    options = {name: knob.get("options", {}) for name, knob in text["knobs"].items()}
    named = {name: options.get(name, {}).get(value, value) for name, value in config.items()}
    return template.format(**{**named, **finding.values})


def is_right(option: Mapping[str, Any], found: tuple[Finding, ...]) -> bool:
    """Tell whether the measured findings make an option of a question the right one."""
    outcomes = {f"{f.claim} {'holds' if f.holds else 'fails'}" for f in found}
    return option.get("right_if") in outcomes
