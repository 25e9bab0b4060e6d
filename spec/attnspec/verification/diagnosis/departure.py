"""Where a candidate departs from an equation: its own arrays, recorded in further calls, compared with the lines."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath

from attnspec.interpreters.formula.formula import text_of
from attnspec.interpreters.rounding.policy import Policy
from attnspec.language.traversal import Path
from attnspec.language.tree import Name
from attnspec.verification.candidate.candidate import Candidate
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.diagnosis.appearances import (
    Appearances,
    Key,
    Place,
    Site,
    common_places,
    missing,
    whole_lines,
)
from attnspec.verification.diagnosis.departing_code import WHOLE, Followed, formula_of, id_of, says_of
from attnspec.verification.diagnosis.following import Following
from attnspec.verification.diagnosis.matching import AS_IT_IS
from attnspec.verification.diagnosis.several_lines import Found, Search
from attnspec.verification.diagnosis.shown_code import is_shown_whole, shown_code
from attnspec.verification.diagnosis.source_lines import only_return
from attnspec.verification.diagnosis.watched_calls import WatchedCall, watched_calls
from attnspec.verification.judge.judge import Judge
from attnspec.verification.verdict import Departure, Diagnosis


def with_departure(
    candidate: Candidate, judge: Judge, observations: Sequence[Observation], policy: Policy
) -> Diagnosis:
    """Explain the error by mistakes in single lines, else say which lines appear, which do not, and what code departs.

    Args:
        candidate: the candidate, which is called again.
        judge: judges its answers.
        observations: all answers, right ones included.
        policy: the precision policy.

    Returns:
        The diagnosis. Without a mistake that of the code, if it explains all wrong answers, or all that makes the wrong
        results, if it can be shown; else it has no id.
    """
    calls = watched_calls(candidate, judge, observations, policy)
    if not calls:
        return returned_code(candidate, judge, observations, policy) or Diagnosis("", "")
    search = Search(judge, observations, policy, calls)
    watched = search.compared(judge.equation.definition)
    following = Following(calls, watched)
    others = following.follow()
    explained = bool(others) and following.explains_answers
    search.departing = [each.site for each in others] if explained else []
    found = search.mistakes(watched)
    if not found:
        everywhere = None if explained else over_all_places(calls, watched)
        if everywhere is not None:
            explained, (following, others) = True, everywhere
        said = departure(watched, search.confirmed, explained=False, followed=others, solved=following.explained)
        returned = [] if others else [*following.returned()]
        code = says_of(others or returned)
        if code and explained:
            return Diagnosis(id_of(others), code, (), said)
        whole = [each for each in returned if each.is_whole]
        if whole and following.are_all_wrong(returned):
            return Diagnosis(WHOLE, says_of(whole), (), said)
        made = None if others else returned_code(candidate, judge, observations, policy, following.right_throughout)
        if made:
            return replace(made, departure=said)
        if code:
            said = said or Departure()
            said = replace(said, says="; ".join(filter(None, [said.says, code])))
        return Diagnosis("", "", (), said)
    ids = " and ".join(each.mistake.id for each in found)
    says = "; ".join(each.mistake.says for each in found)
    also = found[0].mistake.also if len(found) == 1 else ()
    return Diagnosis(ids, says, also, departure(watched, found, explained=True))


def returned_code(
    candidate: Candidate,
    judge: Judge,
    observations: Sequence[Observation],
    policy: Policy,
    right: Collection[tuple[str, str, str]] = (),
) -> Diagnosis | None:
    """The code that makes what is returned, if all of it can be shown, and the formulas of the wrong results.

    None of gradients, which are computed of what is returned.

    Args:
        right: file, function and name of variables that hold lines of the formula.
    """
    info, definition = candidate.question.callable, judge.equation.definition
    line = only_return(info.file, info.line) if candidate.question.gradients is None else 0
    wrong = sorted({each.output for each in judge.compare(observations, policy) if each.fails})
    if not line or not is_shown_whole([(info.file, line)], right, wrong):
        return None
    formulas = dict.fromkeys(formula_of(definition, len(definition.lines) + number) for number in wrong)
    code = f"{PurePath(info.file).name} line {line}: {shown_code([(info.file, line)], right, wrong)}"
    return Diagnosis(WHOLE, f"{code}, where {' and '.join(formulas)} belongs") if formulas else None


def over_all_places(
    calls: Sequence[WatchedCall], watched: Sequence[Appearances]
) -> tuple[Following, list[Followed]] | None:
    """Follow the arrays of a candidate with sums over what the formula hides too; None if that explains not all."""
    following = Following(calls, watched, everywhere=True)
    found = following.follow()
    return (following, found) if found and following.explains_answers else None


def departure(
    watched: Sequence[Appearances],
    found: Sequence[Found],
    explained: bool,
    followed: Sequence[Followed] = (),
    solved: Collection[Key] = (),
) -> Departure | None:
    """Describe which lines appear and which do not; None if none appears and no mistake was found.

    Args:
        found: mistakes in lines.
        explained: whether they explain all answers, so that the diagnosis is about them.
        followed: arrays that take the place of lines, of which the diagnosis is.
        solved: lines that need no sentence, besides those with mistakes.
    """
    places, sites = common_places(watched), whole_lines(watched)
    main = watched[0].recorded[-1].file
    right = [
        (site, place, min(each.right_steps(site) for each in watched))
        for site in sites
        if (place := best_place(site, places[site.key], main, AS_IT_IS)) is not None
    ]
    named = {each.site.key for each in found}
    others = [each for each in followed if each.site.key not in named]
    wrong = [*((each.site, each.place) for each in found), *((each.site, each.place) for each in others)]
    solved = {*solved, *(site.key for site, _ in wrong)}
    absent = [site for key, site in missing(watched).items() if key not in solved]
    gone = [site for site in absent if not _is_answer(site, watched)]
    scaled = [
        (site, place, way)
        for site in gone
        for way in dict.fromkeys(places[site.key].values())
        if (place := best_place(site, places[site.key], main, way)) is not None
    ]
    gone = [site for site in gone if not any(site is other for other, _, _ in scaled)]
    inner = [*_parts_of(absent, watched, main)]
    if not right and not wrong and not scaled and not inner:
        return None
    says = [*_right(right)]
    says += [
        f"{name_of(each.site)} is not right ({shown(each.place)})" + ("" if explained else f": {each.mistake.says}")
        for each in found
    ]
    says += [f"{name_of(each.site)} is not right ({shown(each.place)})" for each in others]
    says += [f"{name_of(site)} appears {way} ({shown(place)})" for site, place, way in scaled]
    says += [] if explained else _absent(gone, inner, absent, bool(wrong or scaled))
    return Departure(
        tuple((name_of(site), _position(place)) for site, place, _ in right),
        tuple((name_of(site), _position(place)) for site, place in wrong),
        tuple(map(name_of, gone)),
        "; ".join(says),
    )


def _absent(gone: Sequence[Site], inner: Sequence[str], absent: Sequence[Site], is_placed: bool) -> list[str]:
    """Sentences on lines that do not appear; on results that are not right, if there is no other sentence.

    Args:
        gone: the lines.
        inner: sentences on their parts.
        absent: the lines and the results.
        is_placed: whether another sentence is on a line that is not right.
    """
    if gone:
        return [f"{_joined([*map(name_of, gone)])} {'does' if len(gone) == 1 else 'do'} not appear", *inner]
    wrong = [f"{_joined([*map(name_of, absent)])} {'is' if len(absent) == 1 else 'are'} not right"] if absent else []
    return [*inner, *([] if is_placed else wrong)]


def _parts_of(sites: Sequence[Site], watched: Sequence[Appearances], main: str) -> Iterator[str]:
    """Sentences on the largest parts that appear of lines that do not."""
    places = common_places(watched)
    for site in sites:
        inside: list[tuple[Path, str]] = []
        for key, (part, _, _) in watched[0].expected.items():
            place = best_place(part, places.get(key, {}), main, AS_IT_IS)
            if part.key[:3] == site.key[:3] and part.part.path and place is not None:
                inside.append((part.part.path, f"{text_of(part.part.node, site.definition)} ({shown(place)})"))
        outer = [path for path, _ in inside]
        largest = dict.fromkeys(text for path, text in inside if not any(_is_within(path, other) for other in outer))
        if largest:
            yield f"of {name_of(site)} there {'is' if len(largest) == 1 else 'are'} {_joined([*largest])}"


def _is_within(path: Path, other: Path) -> bool:
    """Whether a part is inside another one."""
    return len(path) > len(other) and path[: len(other)] == other


def _is_answer(site: Site, watched: Sequence[Appearances]) -> bool:
    """Whether a line is a result of the outermost equation, of which the answers show that it is wrong."""
    outermost = watched[0].visits[-1].definition
    names = {result.name for result in outermost.results}
    return not site.part.target or (not site.within and site.part.target in names)


def best_place(site: Site, places: Mapping[Place, str], main: str, way: str) -> Place | None:
    """The place to name of those where a line appears in a way: of a variable of its name, or in the main file."""
    fitting = [place for place, other in places.items() if other == way]
    return min(fitting, key=lambda at: (at[3] != site.part.target, at[0] != main, not at[3]), default=None)


def name_of(site: Site) -> str:
    """A line as the formula writes it, or a result by its name; with the lines of the calls that it is in."""
    results = site.definition.results
    name = site.part.target or results[site.part.root - len(site.definition.lines)].name
    is_only = not site.part.target and len(results) == 1
    text = "the result" if is_only else text_of(Name(name), site.definition)
    within = [text_of(Name(line), site.definition) if "." in line else line or "the result" for line in site.within]
    return " in ".join([text, *reversed(within)])


def shown(place: Place) -> str:
    """A place in words."""
    file, line, _, name = place
    variable = f"{name}, " if name else ""
    return f"{variable}{PurePath(file).name} line {line}"


def _position(place: Place) -> str:
    return f"{PurePath(place[0]).name}:{place[1]}"


def _right(right: Sequence[tuple[Site, Place, tuple[int, int]]]) -> Iterator[str]:
    """Sentences on the lines that appear, with their places: at all steps of a recurrence, then at the first ones."""
    groups: dict[str, list[tuple[Site, Place]]] = {}
    for site, place, (steps, of) in sorted(right, key=lambda each: each[2][0] < each[2][1]):
        when = "" if steps == of else " at the first step" if steps == 1 else f" at the first {steps} steps"
        groups.setdefault(when, []).append((site, place))
    for when, there in groups.items():
        names = _joined([name_of(site) for site, _ in there])
        yield f"{names} {'is' if len(there) == 1 else 'are'} right{when} ({_positions([place for _, place in there])})"


def _positions(places: Sequence[Place]) -> str:
    """The places of several lines, in their order."""
    if len({place[0] for place in places}) > 1:
        return ", ".join(f"{PurePath(place[0]).name} line {place[1]}" for place in places)
    return f"{PurePath(places[0][0]).name} line{'s' * (len(places) > 1)} {_joined([str(at[1]) for at in places])}"


def _joined(words: Sequence[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
