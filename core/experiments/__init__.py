"""The experiments of the lecture, chapter by chapter.

An experiment is one module with `Config`, `Result`, `run`, `findings`, `tables`, `PRESETS`,
`COST`, `SMALL` and `SHOWN`; CONTRIBUTING.md says what each is. Pages, tests and the terminal all
find it here.
"""

from importlib import import_module
from types import ModuleType

CHAPTERS: dict[str, tuple[str, ...]] = {
    "activations": (
        "nonlinearity",
        "gallery",
        "saturation",
        "zero-centering",
        "cost",
        "dead-relu",
        "relu-family",
        "maxout",
        "race",
    ),
    "preprocessing": (),
    "initialization": ("symmetry", "depth", "variance", "shallow-or-deep", "training", "misread"),
    "batchnorm": (),
    "babysitting": ("overfit-tiny",),
    "hpo": (),
}


def load(chapter: str, experiment: str) -> ModuleType:
    """Return an experiment's module; ValueError names the choices for an unknown one."""
    if chapter not in CHAPTERS:
        raise ValueError(f"chapter must be one of {', '.join(CHAPTERS)}, got {chapter!r}")
    if experiment not in CHAPTERS[chapter]:
        names = ", ".join(CHAPTERS[chapter]) or "none yet"
        raise ValueError(f"experiment of {chapter} must be one of {names}, got {experiment!r}")
    return import_module(f"core.experiments.{chapter}.{experiment.replace('-', '_')}")


def load_chapter(chapter: str) -> dict[str, ModuleType]:
    """Return name -> module for every experiment of a chapter, in the lecture's order."""
    return {name: load(chapter, name) for name in CHAPTERS[chapter]}


def everything() -> list[tuple[str, str]]:
    """Return every (chapter, experiment), in the lecture's order."""
    return [(chapter, name) for chapter, names in CHAPTERS.items() for name in names]
