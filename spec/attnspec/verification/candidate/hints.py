"""What to do if a callable does not take an argument of the equation, for the error that says so."""

from __future__ import annotations

from attnspec.language.merging import mergeable
from attnspec.language.tree import Parameter
from attnspec.verification.candidate.question import Question

EXAMPLES = {"float": "1e-5", "int": "4"}
"""{kind of an option: a value of it}."""


def hints(question: Question) -> dict[str, str]:
    """{argument of the equation: the option of the command that says where it is}."""
    definition = question.called.definition
    earlier = mergeable(definition) if question.callable.parameters else {}
    same = {name: f"if it is {other}: --same {name}={other}" for name, other in earlier.items()}
    options = {
        each.name: f"if it is built in, with its value: --set {each.name}={EXAMPLES[each.kind]}"
        for each in definition.options
    }
    weights = _open_weights(question)
    return {**dict.fromkeys(weights, _in_order(question, weights)), **same, **options}


def _open_weights(question: Question) -> dict[str, int]:
    """The weights of which no place is known, with the number of their axes."""
    definition, known = question.called.definition, dict(question.adaptation.places)
    own = [each for each in definition.parameters if each.symbol.weight]
    return {each.name: len(each.dims) for each in own if each.name not in known}


def _in_order(question: Question, weights: dict[str, int]) -> str:
    """The options for the weights of a module, if they stand in the order of the equation's."""
    network = question.callable.network
    state = network.state if network is not None else {}
    pairs: list[str] = []
    for axes in (1, 2):
        entries = [name for name, shape in state.items() if len(shape) == axes]
        wanted = [name for name, count in weights.items() if count == axes]
        if len(wanted) == len(entries):
            both = zip(wanted, entries, strict=True)
            pairs += [f"--weights {name}={entry}{'.T' * (axes - 1)}" for name, entry in both]
    if pairs and len(pairs) == len(weights):
        return f"if its weights stand in this order: {' '.join(pairs)}"
    known = f", where NAME is {' or '.join(state)}" if state else ""
    example = next(
        (f"{each.name}={_rows(each)}" for each in question.called.definition.parameters if each.name in weights),
        "W=NAME",
    )
    return f"where it keeps its weights, for each: --weights {example}{known}"


def _rows(weight: Parameter) -> str:
    """The place of a weight that is packed with others, by rows: "NAME[0:u].T" for a matrix of shape (d, u)."""
    return f"NAME[0:{weight.dims[-1]}]{'.T' * (len(weight.dims) == 2)}" if weight.dims else "NAME"
