"""Which part of the project may import what: CONTRIBUTING's table, enforced."""

import ast
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

from core.experiments import everything

ROOT = Path(__file__).parents[1]
STANDARD = set(sys.stdlib_module_names)
LABORATORY = ("numpy", "threadpoolctl", "core.nn", "core.lab")
PICTURES = ("altair", "pandas", "core.charts")

# The first pattern that a file matches is its layer: what it may import besides the standard
# library. An experiment may also import what lies in its own folder, and what its chapter shares.
ALLOWED = {
    "core/nn/*": ("numpy", "threadpoolctl", "core.nn"),
    "core/lab/*": LABORATORY,
    "core/charts/*": (*LABORATORY, *PICTURES),
    "core/experiments/__init__.py": ("core.lab",),
    "core/experiments/*/picture.py": (*LABORATORY, *PICTURES),
    "core/experiments/*": LABORATORY,
    "core/*": ("core.lab", "core.experiments"),
    "pages/common/*": (
        "streamlit",
        "core.lab",
        "core.experiments",
        "core.charts.picture",
        "pages.common",
    ),
    "pages/*": ("streamlit", "core.lab", "core.experiments", "pages.common"),
    "app.py": ("streamlit", "pages.common"),
}


def allowed_in(path: str) -> tuple[str, ...]:
    names = next(names for pattern, names in ALLOWED.items() if fnmatch(path, pattern))
    parts = path.split("/")
    if path.startswith("core/experiments/") and len(parts) == 5:
        shared = (f.stem for f in (ROOT / path).parents[1].glob("*.py"))
        chapter = ".".join(parts[:-2])
        return (*names, ".".join(parts[:-1]), *(f"{chapter}.{module}" for module in shared))
    return names


def imports_of(file: Path) -> list[str]:
    names = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


def belongs(name: str, parents: tuple[str, ...]) -> bool:
    return any(name == parent or name.startswith(parent + ".") for parent in parents)


FILES = [
    ROOT / "app.py",
    *sorted(f for folder in ("core", "pages") for f in (ROOT / folder).rglob("*.py")),
]


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(ROOT)))
def test_a_file_imports_only_what_its_layer_may(file):
    allowed = allowed_in(file.relative_to(ROOT).as_posix())
    for name in imports_of(file):
        if name.split(".")[0] in STANDARD:
            continue
        assert belongs(name, allowed), name


def test_nothing_in_core_or_pages_draws_from_a_global_generator_or_unpickles():
    for file in FILES:
        text = file.read_text(encoding="utf-8")
        assert "allow_pickle=True" not in text and "import pickle" not in text, file
        assert "np.random.seed" not in text and "np.random.randn" not in text, file


def test_experiments_draw_from_named_streams_only():
    for file in ROOT.glob("core/experiments/*/*/*.py"):
        text = file.read_text(encoding="utf-8")
        assert "default_rng" not in text and "SeedSequence" not in text, file


def test_every_experiment_is_listed_and_whole():
    """What is in `core/experiments` is what CHAPTERS lists, folder by folder."""
    folders = {
        (folder.parent.name, folder.name)
        for folder in ROOT.glob("core/experiments/*/*")
        if (folder / "experiment.py").exists()
    }
    assert folders == {(e.chapter, e.folder.name) for e in everything()}
    for experiment in everything():
        for part in ("experiment.py", "picture.py", "en.toml"):
            assert (experiment.folder / part).exists(), experiment.slug
        test = f"test_{experiment.folder.name}.py"
        assert (ROOT / "tests/experiments" / experiment.chapter / test).exists(), test


def test_the_top_level_holds_what_was_agreed():
    agreed = {"requirements.txt", "README.md", "app.py", "pages", "core", "tests"}
    beside = {"LICENSE", "CITATION.cff", "CONTRIBUTING.md", "pyproject.toml"}
    found = {path.name for path in ROOT.iterdir() if not path.name.startswith((".", "__"))}
    assert agreed <= found <= agreed | beside
