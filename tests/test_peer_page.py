"""The pages on peers and on conventions: what they list is declared, counted and pinned."""

from __future__ import annotations

import re
from pathlib import Path

import conventions
import peers
from attnspec import REGISTRY

ROOT = Path(__file__).resolve().parents[1]


def test_the_page_is_not_stale() -> None:
    assert not peers.FOLDER.stale(peers.pages()), "make pages"


def test_how_many_equations_have_a_peer() -> None:
    """It may only grow."""
    found = peers.by_equation()

    assert len(found) >= 179
    assert found.keys() <= REGISTRY.keys()


def test_every_peer_names_its_library_and_its_equation() -> None:
    for peer in peers.peers():
        assert peer.name.partition("_")[0] in peers.LIBRARIES, peer.target
        assert peer.equation in REGISTRY, peer.target


def test_every_version_is_pinned() -> None:
    assert set(peers.LIBRARIES.values()) <= peers.versions().keys()


def test_every_known_departure_is_of_a_peer() -> None:
    targets = {peer.target for peer in peers.peers()}

    assert {each["implementation"] for each in peers.departures()} <= targets


def test_make_verify_names_modules_of_peers() -> None:
    """They are those that need no library beyond the extra `peers`."""
    listed = re.search(r"^QUICK := (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert listed is not None
    quick = set(listed[1].split())

    modules = {peer.module.partition(".")[2]: set[str]() for peer in peers.peers()}
    for peer in peers.peers():
        modules[peer.module.partition(".")[2]].add(peers.library(peer))

    assert quick <= modules.keys()
    assert set().union(*(modules[name] for name in quick)) == {"torch", "onnxruntime", "jax"}


def test_every_convention_is_on_its_page_once() -> None:
    page = peers.pages()["conventions.md"]

    every = [id for ids in conventions.groups(peers.catalogue()).values() for id in ids]

    assert len(every) > 60
    assert sorted(every) == sorted(re.findall(r"\[(\w+\.\w+)\]\(equations/", page))


def test_a_library_that_has_several_conventions_is_in_the_row_of_each() -> None:
    """A row has the peers of its own equation and of no other."""
    page = peers.pages()["conventions.md"]
    rows = {line.partition("]")[0].strip("| ["): line for line in page.splitlines() if line.startswith("| [")}

    assert "`gru_reset_after`" in rows["recurrent.gru_reset_after"]
    assert "`gru_reset_after`" not in rows["recurrent.gru"]
    assert "BERT's own code" in rows["transformer.feed_forward_gelu_tanh"]
    assert "BERT's own code" not in rows["transformer.feed_forward_gelu"]


def test_what_was_read_is_of_equations_that_conventions_tell_apart() -> None:
    every = {id for ids in conventions.groups(peers.catalogue()).values() for id in ids}

    for each in conventions.READ:
        assert set(each.equations) <= every
        assert each.link.startswith("https://github.com/")
