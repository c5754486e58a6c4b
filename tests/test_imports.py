"""Imports go one way: the table of the style guide, read off the source itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "reenact"

BASE = {"records", "errors", "config"}
PARTS = {"motion", "facelet", "generator"}
PERCEPTION = BASE | {"layers", "perception"}
DATA = PERCEPTION | {"places", "video", "data"}
MODEL = BASE | {"layers", "places", *PARTS, "model", "checkpoint"}
ANIMATOR = MODEL | {
    "perception",
    "video",
    "animator",
    "device",
    "drawing",
    "driving",
    "engine",
    "filmed",
    "opacity",
    "pasting",
    "portrait",
    "restore",
    "template",
    "tracking",
}

MAY_IMPORT: dict[str, set[str]] = {
    "records": set(),
    "errors": set(),
    "places": {"errors"},
    "device": {"errors"},
    "config": {"errors", "records"},
    "layers": BASE | {"layers"},
    "motion": BASE | {"layers", "motion"},
    "facelet": BASE | {"layers", "facelet"},
    "generator": BASE | {"layers", "generator"},
    "model": MODEL - {"checkpoint"},
    "checkpoint": MODEL,
    "perception": PERCEPTION,
    "video": {"records", "errors", "places", "video"},
    "data": DATA,
    "training": MODEL | DATA | {"training"},
    "evaluation": MODEL | DATA | {"evaluation"},
    "restore": {"records", "layers"},
    "driving": {"records", "errors", "perception"},
    "tracking": {"records", "errors", "perception", "driving"},
    "opacity": {"records", "layers", "perception", "restore", "video"},
    "pasting": {"records", "video"},
    "portrait": {"records", "errors", "motion", "perception", "driving", "opacity", "restore"},
    "drawing": {"records", "opacity", "pasting", "portrait", "restore"},
    "advice": {"records", "perception", "driving", "advice"},
    "template": {"records", "errors", "places", "video"},
    "engine": {"records", "checkpoint", "driving", "perception", "portrait"},
    "provenance": {"errors", "video", "provenance"},
    "animator": ANIMATOR - {"filmed"},
    "filmed": ANIMATOR,
    "look": ANIMATOR | {"look"},
    "doctor": {"errors", "perception", "checkpoint", "template", "doctor"},
    "bench": ANIMATOR | {"doctor"},
    "cli": ANIMATOR
    | DATA
    | {"training", "evaluation", "look", "advice", "doctor", "bench", "provenance", "cli"},
    "__main__": {"cli"},
}
"""Top-level module or package of `reenact` to those that it may import."""
ONLY_CALLER_OF_GRID_SAMPLE = Path("layers/grid.py")
FORBIDDEN = {"torchvision", "timm", "PIL", "argparse", "imageio", "hydra"}


def source_files() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def imported(tree: ast.AST) -> Iterator[str]:
    """Full names of all modules that a file imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: relative import"
            assert node.module is not None
            yield node.module
            if node.module == "reenact":
                yield from (f"reenact.{alias.name}" for alias in node.names)


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def top(path: Path) -> str:
    """The package or module of `reenact` that a file belongs to."""
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", source_files(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_go_one_way(path: Path) -> None:
    module = top(path)
    if module == "__init__":
        return
    assert module in MAY_IMPORT, f"say in MAY_IMPORT what '{module}' may import"
    names = {name for name in imported(parsed(path)) if name.startswith("reenact.")}
    wrong = {name for name in names if name.split(".")[1] not in MAY_IMPORT[module]}
    assert not wrong - {"reenact.__version__"}


@pytest.mark.parametrize("path", source_files(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_no_module_needs_what_we_do_without(path: Path) -> None:
    assert not {name.split(".")[0] for name in imported(parsed(path))} & FORBIDDEN


def test_one_module_calls_grid_sample() -> None:
    callers = {
        path.relative_to(SOURCE)
        for path in source_files()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Attribute) and node.attr == "grid_sample"
    }
    assert callers == {ONLY_CALLER_OF_GRID_SAMPLE}


def test_nothing_is_unpickled() -> None:
    """Weights of others are opened as plain tensors: `torch.load(..., weights_only=True)`."""
    loads = [
        node
        for path in source_files()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("torch.load", "pickle.load")
    ]
    for call in loads:
        assert "weights_only=True" in [ast.unparse(keyword) for keyword in call.keywords]


@pytest.mark.parametrize("path", source_files(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_nothing_hides_behind_an_empty_name(path: Path) -> None:
    stems = {path.stem, *path.relative_to(SOURCE).parts[:-1]}
    assert not stems & {"utils", "util", "helper", "helpers", "manager", "process", "handle"}


def test_importing_the_package_does_nothing() -> None:
    """`import reenact` takes no time: what it offers is imported when it is first used."""
    body = parsed(SOURCE / "__init__.py").body
    names = {node.module for node in body if isinstance(node, ast.ImportFrom)}
    assert names <= {"__future__", "typing"}
