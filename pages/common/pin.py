"""The pinned run: a configuration kept beside the current one, carried by the link."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, urlencode

from core.lab.knobs import Knob

DEFAULTS = "default"  # the pin of a run that differs in nothing from the defaults


class Pin:
    """A knob without a widget whose value is a configuration written as a query string."""

    default = ""  # nothing is pinned

    def __init__(self, knobs: Mapping[str, Knob]):
        self.knobs = knobs

    def of(self, config: Mapping[str, Any]) -> str:
        """Return the pin of a configuration."""
        changed = {
            name: knob.texts(config[name])
            for name, knob in self.knobs.items()
            if config[name] != knob.default
        }
        return urlencode(changed, doseq=True) or DEFAULTS

    def config(self, pin: str) -> dict[str, Any]:
        """Return the configuration of a pin."""
        given = parse_qs(pin)
        return {name: knob.parse(given.get(name, ())) for name, knob in self.knobs.items()}

    def parse(self, texts: Sequence[str]) -> str:
        """Read a link's parameter: unknown names are dropped, odd values snapped."""
        text = texts[-1] if texts else ""
        known = set(_names(text)) & set(self.knobs)
        return self.of(self.config(text)) if known or text == DEFAULTS else self.default

    def texts(self, value: str) -> list[str]:
        """Write a value as a link's parameter."""
        return [value]


def _names(text: str) -> list[str]:
    try:
        return list(parse_qs(text, max_num_fields=100))
    except ValueError:
        return []
