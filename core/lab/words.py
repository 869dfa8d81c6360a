"""The words of an experiment, from its `en.toml`, and the sentences made of them.

Knobs and names that many experiments share have their words once, in `core/experiments/en.toml`.
"""

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from core.lab.finding import Finding
from core.lab.say import number, say

SHARED = Path(__file__).parents[1] / "experiments" / "en.toml"
NEEDED = ("title", "setting", "see", "source", "torch", "question", "heading", "findings", "views")


class WordsError(ValueError):
    """A text file that is missing or broken; the message names it."""


def read_toml(file: Path) -> dict[str, Any]:
    """Return a TOML file; WordsError names it if it is missing or broken."""
    name = f"{file.parent.name}/{file.name}"
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError:
        raise WordsError(f"the text file {name} cannot be read") from None
    except ValueError as error:
        raise WordsError(f"the text file {name} is broken: {error}") from None


@cache
def shared_words() -> dict[str, Any]:
    """Return the words that experiments share: chapters, names of choices, knobs."""
    return read_toml(SHARED)


def name_of(choice: str) -> str:
    """Return what a choice is called, such as "Leaky ReLU" for "leaky_relu"."""
    names: dict[str, str] = shared_words()["names"]
    return names.get(choice, choice)


@cache
def words_of(folder: Path, knobs: tuple[str, ...]) -> dict[str, Any]:
    """Return the words of the experiment in a folder; those of its knobs have shared parts."""
    text, shared = read_toml(folder / "en.toml"), shared_words()
    missing = [name for name in NEEDED if name not in text]
    if missing:
        raise WordsError(f"the text file {folder.name}/en.toml has no {', '.join(missing)}")
    own = text.get("knobs", {})
    text["knobs"] = {knob: {**shared["knobs"].get(knob, {}), **own.get(knob, {})} for knob in knobs}
    return text


def option_name(text: Mapping[str, Any], knob: str, option: str) -> str:
    """Return what an option of a knob is called in an experiment."""
    own: Mapping[str, str] = text["knobs"].get(knob, {}).get("options", {})
    return own.get(option) or name_of(option)


def named_knobs(text: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration's values as sentences call them: choices by their names."""

    def named(knob: str, value: Any) -> Any:
        if isinstance(value, str):
            return option_name(text, knob, value)
        if isinstance(value, tuple) and not isinstance(value[0], str):
            return "–".join(number(end) for end in value)  # the two ends of a range
        if isinstance(value, tuple):
            return ", ".join(option_name(text, knob, option) for option in value)
        return value

    return {knob: named(knob, value) for knob, value in config.items()}


def _values(text: Mapping[str, Any], finding: Finding, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a sentence may speak of: knobs and the finding's values, names spelled out."""
    measured = {n: name_of(v) if isinstance(v, str) else v for n, v in finding.values.items()}
    return {**named_knobs(text, config), **measured}


def template(sentences: Mapping[str, str], finding: Finding) -> str:
    """Return the sentence for an outcome: `fails_<because>` before `fails`."""
    specific = f"{finding.outcome}_{finding.because}"
    return sentences[specific if specific in sentences else str(finding.outcome)]


def sentence(text: Mapping[str, Any], finding: Finding, config: Mapping[str, Any]) -> str:
    """Say what was found about a claim, with the measured numbers and the knobs in it."""
    own = text["findings"][finding.claim]
    return say(template(own, finding), _values(text, finding, config))


def heading(text: Mapping[str, Any], found: Sequence[Finding], config: Mapping[str, Any]) -> str:
    """Say the lesson of a run; [heading] has a sentence per outcome of its first finding.

    [heading.<claim>] takes its place where different claims can come first.
    """
    first = found[0]
    sentences = text["heading"].get(first.claim, text["heading"])
    return say(template(sentences, first), _values(text, first, config))


def setting(text: Mapping[str, Any], config: Mapping[str, Any]) -> str:
    """Say what one is looking at: what, on which data, what differs and what is held equal."""
    return say(text["setting"], named_knobs(text, config))


def is_right(option: Mapping[str, Any], found: Sequence[Finding]) -> bool:
    """Tell whether the measured findings make an option of a question the right one."""
    return option.get("right_if") in {str(finding) for finding in found}
