"""Which part of the project may import what: CONTRIBUTING's table, enforced."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
STANDARD = set(sys.stdlib_module_names)
COMMON = ("core.knobs", "core.finding", "core.results", "core.experiments", "pages.common")

ALLOWED = {
    "core/charts": ("numpy", "altair", "pandas", "core"),
    "core": ("numpy", "threadpoolctl", "core"),
    "pages/common": ("streamlit", *COMMON),
    "pages": ("streamlit", "core.experiments", "core.charts", "pages.common"),
    "app.py": ("streamlit", "pages.common"),
}
FORBIDDEN = {"core": ("core.charts",)}


def layer_of(path: str) -> str:
    return next(layer for layer in ALLOWED if path == layer or path.startswith(layer + "/"))


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
    layer = layer_of(str(file.relative_to(ROOT)))
    for name in imports_of(file):
        if name.split(".")[0] in STANDARD:
            continue
        assert belongs(name, ALLOWED[layer]), name
        assert not belongs(name, FORBIDDEN.get(layer, ())), name


def test_nothing_in_core_or_pages_draws_from_a_global_generator_or_unpickles():
    for file in FILES:
        text = file.read_text(encoding="utf-8")
        assert "allow_pickle=True" not in text and "import pickle" not in text, file
        assert "np.random.seed" not in text and "np.random.randn" not in text, file


def test_the_top_level_holds_what_was_agreed():
    agreed = {"requirements.txt", "README.md", "app.py", "pages", "core", "tests"}
    beside = {"LICENSE", "CITATION.cff", "CONTRIBUTING.md", "pyproject.toml"}
    found = {path.name for path in ROOT.iterdir() if not path.name.startswith((".", "__"))}
    assert agreed <= found <= agreed | beside
