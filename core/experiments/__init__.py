"""The experiments of the lecture, chapter by chapter.

An experiment is one folder with `experiment.py`, `picture.py` and `en.toml`; CONTRIBUTING.md says
what each holds. Pages, tests and the terminal all find it here.
"""

from core.lab.experiment import Experiment

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
    "preprocessing": (
        "center-and-scale",
        "loss-surface",
        "pca-whitening",
        "images",
        "train-only",
        "linear-region",
        "effect",
    ),
    "initialization": ("symmetry", "depth", "variance", "shallow-or-deep", "training", "misread"),
    "batchnorm": (
        "normalize",
        "distribution",
        "conv",
        "gamma-beta",
        "train-vs-test",
        "race",
        "learning-rate",
        "regularization",
    ),
    "babysitting": (
        "sanity-check",
        "overfit-tiny",
        "learning-rate",
        "read-the-curve",
        "bad-init",
        "train-val-gap",
        "update-ratio",
        "histograms",
        "live",
    ),
    "hpo": (
        "log-scale",
        "coarse-to-fine",
        "edge",
        "grid-vs-random",
        "cross-validation",
        "curves",
        "many-parameters",
    ),
}


def load(chapter: str, name: str) -> Experiment:
    """Return an experiment; ValueError names the choices for an unknown one."""
    if chapter not in CHAPTERS:
        raise ValueError(f"chapter must be one of {', '.join(CHAPTERS)}, got {chapter!r}")
    if name not in CHAPTERS[chapter]:
        names = ", ".join(CHAPTERS[chapter]) or "none yet"
        raise ValueError(f"experiment of {chapter} must be one of {names}, got {name!r}")
    return Experiment(chapter, name)


def chapter_of(chapter: str) -> dict[str, Experiment]:
    """Return name -> experiment of a chapter, in the lecture's order."""
    return {name: load(chapter, name) for name in CHAPTERS[chapter]}


def everything() -> list[Experiment]:
    """Return every experiment, in the lecture's order."""
    return [load(chapter, name) for chapter, names in CHAPTERS.items() for name in names]


def chapters_shown() -> list[str]:
    """Return the chapters that have experiments."""
    return [chapter for chapter, names in CHAPTERS.items() if names]
