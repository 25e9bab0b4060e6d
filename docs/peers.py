"""The page on peers: for each equation, the libraries that compute it, as `attnspec_peers` calls them.

python docs/peers.py            write it
python docs/peers.py --check    say whether it is stale, and fail if it is
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from typing import Any

from attnspec.discovery import Declared, discover
from attnspec.language.equation import REGISTRY, Equation
from attnspec.language.registry import is_catalogued
from writing import ROOT, Folder, Texts, anchor, joined, table

FOLDER = Folder(ROOT / "docs", "<!-- Written by docs/peers.py: change attnspec_peers, then run `make docs`. -->")

LIBRARIES = {
    "torch": "torch",
    "onnxruntime": "onnxruntime",
    "jax": "jax",
    "keras": "keras",
    "flax": "flax",
    "optax": "optax",
    "transformers": "transformers",
    "scipy": "scipy",
    "sklearn": "scikit-learn",
}
"""{how the name of a peer begins: the distribution that it calls}."""


def peers() -> list[Declared]:
    """Everything that `attnspec_peers` declares."""
    return [each for each in discover().declarations if each.package == "attnspec_peers"]


def library(peer: Declared) -> str:
    """The distribution that a peer calls."""
    return LIBRARIES[peer.name.partition("_")[0]]


def catalogue() -> dict[str, Equation[..., Any]]:
    """The equations of the catalogue by id, without those that users define."""
    return {id: each for id, each in REGISTRY.items() if is_catalogued(each.function.__module__)}


def by_equation() -> dict[str, list[Declared]]:
    """The peers of each equation that has one; a gradient has those of what it is the gradient of, differentiated."""
    declared = peers()
    found = {}
    for id, equation in catalogue().items():
        of = equation.gradient_of or ""
        mine = [each for each in declared if (each.equation, each.backward) in {(id, False), (of, True)}]
        if mine:
            found[id] = mine
    return found


def versions() -> dict[str, str]:
    """The version of each distribution that constraints.txt names."""
    pins = re.findall(r"^([\w-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE)
    return dict(pins)


def departures() -> list[dict[str, str]]:
    """The known departures."""
    listed: list[dict[str, str]] = tomllib.loads(
        (ROOT / "impls/attnspec_peers/departures.toml").read_text(encoding="utf-8")
    )["departure"]
    return listed


def pages() -> Texts:
    """The page, by the name of its file."""
    return {"peers.md": joined(_paragraphs())}


def _paragraphs() -> Iterator[str]:
    found, pinned = by_equation(), versions()
    used = [name for name in dict.fromkeys(LIBRARIES.values()) if any(library(each) == name for each in peers())]
    yield FOLDER.mark
    yield "# Peers"
    yield (
        f"{len(found)} of {len(catalogue())} equations have a peer: an implementation from another project, which "
        "`attnspec_peers` only calls. A cell names what is called, by the name of its adapter without the library. "
        "†: a [known departure](#departures). ∂: differentiated by the library."
    )
    yield (
        "`make verify` judges the peers of its list; `attnspec verify attnspec_peers` judges all of them, and reports "
        "those whose library is not installed as not run."
    )
    departed = {each["implementation"] for each in departures()}
    rows = []
    for id, mine in found.items():
        cells = [", ".join(_cell(each, departed) for each in mine if library(each) == name) for name in used]
        rows.append([f"[{id}](equations/{id.partition('.')[0]}.md#{anchor(id)})", *cells])
    yield table(["equation", *(f"{name} {pinned[name]}" for name in used)], rows)
    yield "## Departures"
    yield table(
        ("peer", "dtype", "verdict", "reason"),
        (
            (f"`{each['implementation']}`", each.get("dtype", "all"), each["verdict"],
             f"[{each['reason']}]({each['link']})")
            for each in departures()
        ),
    )  # fmt: skip


def _cell(peer: Declared, departed: set[str]) -> str:
    name = peer.name.partition("_")[2]
    return f"`{name}`{' ∂' if peer.backward else ''}{' †' if peer.target in departed else ''}"


if __name__ == "__main__":
    sys.exit(FOLDER.main(pages, (__doc__ or "").partition("\n")[0]))
