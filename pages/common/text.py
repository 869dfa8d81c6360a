"""The words of the app itself, from `en.toml` beside this file."""

from functools import cache
from pathlib import Path

from core.lab.words import read_toml


@cache
def words(part: str) -> dict[str, str]:
    """Return the words of one part of the app."""
    return dict(read_toml(Path(__file__).with_name("en.toml"))[part])
