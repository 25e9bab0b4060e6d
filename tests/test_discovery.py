"""What installed packages implement is read from their source, and nothing of theirs is imported."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from attnspec import discovery
from attnspec.implementation import ATTRIBUTE

SOURCE = """
import attnspec
from attnspec import implements
raise RuntimeError("importing this is not free")

@implements("attention.weights", framework="torch", dtypes=("float32",))
@implements("scores.dot")
def weights(e): ...

if True:
    @attnspec.implements("attention.soft", framework="jax")
    class Soft: ...

@other("attention.causal")
def causal(q): ...

def outer():
    @implements("attention.causal")
    def inner(q): ...
"""


@pytest.fixture
def stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of somebody else's, with implementations in its part `kernels`."""
    folder = tmp_path / "strange_package"
    (folder / "kernels/deep").mkdir(parents=True)
    for place in ("", "kernels", "kernels/deep"):
        (folder / place / "__init__.py").write_text("raise RuntimeError\n", encoding="utf-8")
    (folder / "kernels/deep/fast.py").write_text(SOURCE, encoding="utf-8")
    (folder / "kernels/_private.py").write_text(SOURCE, encoding="utf-8")
    (folder / "beside.py").write_text(SOURCE, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    named(monkeypatch, "strange_package.kernels")
    return folder


def named(monkeypatch: pytest.MonkeyPatch, *modules: str) -> None:
    points = [EntryPoint(f"point_{k}", module, discovery.GROUP) for k, module in enumerate(modules)]
    monkeypatch.setattr(discovery, "entry_points", lambda group: points)


def test_a_strangers_package_is_read_and_not_imported(stranger: Path) -> None:
    found = discovery.discover()

    assert [(each.equation, each.framework, each.target) for each in found.declarations] == [
        ("attention.weights", "torch", "strange_package.kernels.deep.fast:weights"),
        ("scores.dot", None, "strange_package.kernels.deep.fast:weights"),
        ("attention.soft", "jax", "strange_package.kernels.deep.fast:Soft"),
    ]
    assert not found.troubles
    assert "strange_package" not in sys.modules


def test_what_cannot_be_read_is_said_and_costs_no_more(stranger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (stranger / "kernels/broken.py").write_text("def f(:\n", encoding="utf-8")
    named(monkeypatch, "strange_package.kernels", "gone_package")
    found = discovery.discover()

    assert len(found.declarations) == 3
    assert len(found.troubles) == 2
    assert "broken.py cannot be read" in found.troubles[0]
    assert "gone_package" in found.troubles[1]


def test_what_is_read_is_what_importing_finds() -> None:
    package = importlib.import_module("attnspec_numpy")
    modules = [
        importlib.import_module(f"attnspec_numpy.{each.name}") for each in pkgutil.iter_modules(package.__path__)
    ]
    declared = {
        (each.equation, each.framework, f"{module.__name__}:{name}")
        for module in modules
        for name, value in vars(module).items()
        if getattr(value, "__module__", "") == module.__name__
        for each in getattr(value, ATTRIBUTE, ())
    }
    read = {(each.equation, each.framework, each.target) for each in discovery.discover().declarations}

    assert declared == {each for each in read if each[2].startswith("attnspec_numpy.")}
