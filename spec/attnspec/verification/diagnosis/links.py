"""Which arrays of a candidate have the values of which parts of an equation: links between code and formula."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from attnspec.interpreters.formula.formula import text_of
from attnspec.interpreters.rounding.policy import Policy
from attnspec.interpreters.tags import key_of, name_key, term_of
from attnspec.verification.candidate.candidate import Candidate
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.diagnosis.appearances import Site, appearances_in, common_places
from attnspec.verification.diagnosis.departure import name_of
from attnspec.verification.diagnosis.matching import AS_IT_IS
from attnspec.verification.diagnosis.watched_calls import watched_calls
from attnspec.verification.judge.judge import Judge


@dataclass(frozen=True, slots=True)
class Link:
    """An array of a candidate that has the values of a part of an equation, in every call that was watched.

    Attributes:
        equation: the id of the equation: the outermost one, or one that it calls.
        key: what the part stands for in its formula, as in `attnspec.interpreters.tags`.
        term: what identifies the part.
        shown: the part as the formula writes it.
        file: the path of the candidate's file.
        line: the line that makes the array.
        function: the function that the line is in.
        variable: the variable that the line binds it to; "" if it is the result of an operation.
        way: "" if the array has the values as they are, in any layout; else how, such as "subtracted from 1".
    """

    equation: str
    key: str
    term: str
    shown: str
    file: str
    line: int
    function: str
    variable: str
    way: str = ""


def links(candidate: Candidate, judge: Judge, observations: Sequence[Observation], policy: Policy) -> tuple[Link, ...]:
    """Call a candidate again on telling cases, watch it, and link its arrays with the parts whose values they have.

    Args:
        candidate: the candidate, right or wrong.
        judge: judges its answers.
        observations: all answers.
        policy: the precision policy, within whose noise values agree.

    Returns:
        The links; none if nothing could be watched, as of compiled or installed code.
    """
    calls = watched_calls(candidate, judge, observations, policy, only_failing=False)
    if not calls:
        return ()
    watched = appearances_in(judge.equation.definition, calls, policy, judge.seed)
    found = (
        _link(watched[0].expected[key][0], *place, way)
        for key, places in common_places(watched).items()
        for place, way in places.items()
    )
    return tuple(sorted(dict.fromkeys(found), key=lambda link: (link.file, link.line, link.term)))


def _link(site: Site, file: str, line: int, function: str, variable: str, way: str) -> Link:
    part, definition = site.part, site.definition
    key = name_key(part.target) if part.target else key_of(definition, part.root, part.path, part.node)
    shown = text_of(part.node, definition) if part.path else name_of(Site((), definition, part))
    way = "" if way == AS_IT_IS else way
    return Link(definition.id, key, term_of(part.root, part.path), shown, file, line, function, variable, way)
