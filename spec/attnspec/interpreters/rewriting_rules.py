"""Rules of algebra by which software rewrites formulas: the value in real numbers stays, the rounding is another one.

A rule sees a node and its equation, so that it also finds what stands in several lines: a variance whose mean is a line
of its own. `rewriting` has those that are tried in pairs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from attnspec.language.check import scope_of, single
from attnspec.language.dims import Dim
from attnspec.language.traversal import map_node, map_throughout, nodes
from attnspec.language.tree import Apply, At, Definition, Name, Node, Number, Reduce, SizeOf

Rule = Callable[[Node, Definition], Node]
"""Returns what replaces a node of an equation; the node itself where the rule does not apply."""


def apply_rule(definition: Definition, rule: Rule) -> Definition:
    """Apply a rule to every node of an equation, and of the equations that it calls."""
    return map_throughout(definition, rule)


def products_less_means(node: Node, definition: Definition) -> Node:
    """Σ (x − μ)(y − ν) / n as Σ x y / n − μ ν, where μ and ν are the means of x and y."""
    match node:
        case Apply(op="/", args=(Reduce(op="sum", where=None) as total, count)):
            pair = _factors(total.term)
            if pair is not None and all(_centred(each, total.index, count, definition) for each in pair):
                (x, mu), (y, nu) = (each.args for each in pair if isinstance(each, Apply))
                mean = Apply("/", (Reduce("sum", total.index, Apply("*", (x, y))), count))
                return Apply("-", (mean, Apply("*", (mu, nu))))
    return node


def folded_shift(node: Node, _: Definition) -> Node:
    """(x − μ) / s as x · (1/s) − μ · (1/s)."""
    match node:
        case Apply(op="/", args=(Apply(op="-", args=(x, mu)), s)) if not is_constant(s):
            inverse = Apply("/", (Number(1.0), s))
            return Apply("-", (Apply("*", (x, inverse)), Apply("*", (mu, inverse))))
    return node


def by_reciprocal(node: Node, _: Definition) -> Node:
    """a / b as a · (1/b), where b is computed."""
    match node:
        case Apply(op="/", args=(a, b)) if not is_constant(b) and a != Number(1.0):
            return Apply("*", (a, Apply("/", (Number(1.0), b))))
    return node


def by_inverse_root(node: Node, _: Definition) -> Node:
    """a / √b as a · b^(−1/2), where b is computed."""
    match node:
        case Apply(op="/", args=(a, Apply(op="sqrt", args=(b,)))) if not is_constant(b):
            return Apply("*", (a, Apply("**", (b, Number(-0.5)))))
    return node


def divided_terms(node: Node, _: Definition) -> Node:
    """Σ t / c as Σ (t / c), for a constant such as a number of terms."""
    match node:
        case Apply(op="/", args=(Reduce(op="sum", index=j, term=t, where=where), c)) if is_constant(c):
            return Reduce("sum", j, Apply("/", (t, c)), where)
    return node


def divided_sum(node: Node, definition: Definition) -> Node:
    """Σ_j softmax_j(e) v_j as Σ_j exp(e_j − max e) v_j / Σ_j exp(e_j − max e)."""
    match node:
        case Reduce(op="sum", index=j, term=Apply(op="*", args=(weights, v)), where=None):
            match _value(weights, definition):
                case Reduce(op="softmax", index=k, term=e, where=None) if k == j:
                    p = Apply("exp", (Apply("-", (e, Reduce("max", j, e))),))
                    total = Reduce("sum", j, Apply("*", (p, v)))
                    return Apply("/", (total, Reduce("sum", j, p)))
    return node


def normalised_exponentials(node: Node, definition: Definition) -> Node:
    """(exp(x − m) a + exp(y − m) b) / t, where t is a line, as exp(x − (m + log t)) a + exp(y − (m + log t)) b."""
    match node:
        case Apply(op="/", args=(weighted, Name(id=_) as total)):
            shares = {part: _shifted(_value(part, definition)) for part in nodes(weighted) if isinstance(part, Name)}
            tops = {share[1] for share in shares.values() if share is not None}
            if len(tops) == 1:
                lse = Apply("+", (tops.pop(), Apply("log", (total,))))
                return map_node(weighted, lambda part: _less(shares.get(part), lse) or part)  # type: ignore[arg-type]  # a dictionary takes any key
    return node


def _shifted(value: Node) -> tuple[Node, Node, Node | None] | None:
    """x, m and the condition of exp(x − m), which may be 0 where the condition does not hold."""
    match value:
        case Apply(op="exp", args=(Apply(op="-", args=(x, top)),)):
            return x, top, None
        case Apply(op="where", args=(seen, Apply(op="exp", args=(Apply(op="-", args=(x, top)),)), Number(value=0.0))):
            return x, top, seen
    return None


def _less(share: tuple[Node, Node, Node | None] | None, lse: Node) -> Node | None:
    """exp(x − lse), 0 where the condition does not hold."""
    if share is None:
        return None
    x, _, seen = share
    weight = Apply("exp", (Apply("-", (x, lse)),))
    return weight if seen is None else Apply("where", (seen, weight, Number(0.0)))


def interpolated_back(node: Node, _: Definition) -> Node:
    """z a + (1 − z) b as a + (1 − z) (b − a)."""
    match node:
        case Apply(op="+", args=(Apply(op="*", args=(z, a)), Apply(op="*", args=(rest, b)))) if _rest(z) == rest:
            return Apply("+", (a, Apply("*", (rest, Apply("-", (b, a))))))
        case Apply(op="+", args=(Apply(op="*", args=(rest, a)), Apply(op="*", args=(z, b)))) if _rest(z) == rest:
            return Apply("+", (b, Apply("*", (rest, Apply("-", (a, b))))))
    return node


def softmax_of_logarithms(node: Node, _: Definition) -> Node:
    """softmax(x / c) as softmax(log softmax(x) / c), for a temperature c: a model hands on log-probabilities."""
    match node:
        case Reduce(op="softmax", index=j, term=Apply(op="/", args=(x, Name(id=_) as c)), where=None):
            return Reduce("softmax", j, Apply("/", (Reduce("log_softmax", j, x), c)))
    return node


def multiplied_out(node: Node, _: Definition) -> Node:
    """a (1 − b) as a − a b: loses digits where b is near 1."""
    match node:
        case Apply(op="*", args=(a, Apply(op="-", args=(Number(value=1.0), b)))) if not is_constant(b):
            return Apply("-", (a, Apply("*", (a, b))))
        case Apply(op="*", args=(Apply(op="-", args=(Number(value=1.0), b)), a)) if not is_constant(b):
            return Apply("-", (a, Apply("*", (a, b))))
    return node


def complement(node: Node, definition: Definition) -> Node:
    """1 − σ(x) as σ(−x)."""
    match node:
        case Apply(op="-", args=(Number(value=1.0), gate)):
            match _value(gate, definition):
                case Apply(op="sigmoid", args=(x,)):
                    return Apply("sigmoid", (Apply("neg", (x,)),))
    return node


def from_complement(node: Node, _: Definition) -> Node:
    """σ(x) as 1 − σ(−x): loses digits in the lower tail."""
    match node:
        case Apply(op="sigmoid", args=(x,)):
            return _rest(Apply("sigmoid", (Apply("neg", (x,)),)))
    return node


def doubled_sigmoid(node: Node, _: Definition) -> Node:
    """1 + tanh(x) as 2 σ(2x)."""
    match node:
        case Apply(op="+", args=(Number(value=1.0), Apply(op="tanh", args=(x,)))):
            return Apply("*", (Number(2.0), Apply("sigmoid", (Apply("*", (Number(2.0), x)),))))
    return node


def by_log_of_sigmoid(node: Node, _: Definition) -> Node:
    """softplus(x) as −log σ(−x): loses digits where x is far below 0."""
    match node:
        case Apply(op="softplus", args=(x,)):
            return Apply("neg", (Apply("log", (Apply("sigmoid", (Apply("neg", (x,)),)),)),))
    return node


def power_by_exponential(node: Node, definition: Definition) -> Node:
    """a^b as exp(b log a), of a base that is a number or an option."""
    options = {option.name for option in definition.options}
    match node:
        case Apply(op="**", args=(Number() | Name() as base, exponent)) if not isinstance(exponent, Number):
            if isinstance(base, Name) and base.id not in options:
                return node
            return Apply("exp", (Apply("*", (exponent, Apply("log", (base,)))),))
    return node


def regrouped(node: Node, definition: Definition) -> Node:
    """(a @ M) @ b as a @ (M @ b), and the other way round, and Σ_j w_j (x_j @ M) as (Σ_j w_j x_j) @ M, for a matrix M.

    The product with M may be a line of its own, such as that of keys, which is then left out.
    """
    match node:
        case Apply(op="@", args=(Apply(op="@", args=(a, matrix)), b)) if _is_matrix(matrix, definition):
            return Apply("@", (a, Apply("@", (matrix, b))))
        case Apply(op="@", args=(a, Apply(op="@", args=(matrix, b)))) if _is_matrix(matrix, definition):
            return Apply("@", (Apply("@", (a, matrix)), b))
        case Apply(op="@", args=(a, b)) if (mapped := _mapped(b, definition)) is not None:
            x, matrix = mapped
            if len(_dims(a, definition)) == 1:
                return Apply("@", (Apply("@", (a, Apply("transpose", (matrix,)))), x))
        case Apply(op="@", args=(a, b)) if (mapped := _mapped(a, definition)) is not None:
            x, matrix = mapped
            if len(_dims(b, definition)) == 1:
                return Apply("@", (x, Apply("@", (matrix, b))))
        case Reduce(op="sum", index=j, term=Apply(op="*", args=(weight, value)), where=where):
            mapped = _mapped(value, definition)
            if mapped is not None and not _dims(weight, definition):
                return Apply("@", (Reduce("sum", j, Apply("*", (weight, mapped[0])), where), mapped[1]))
    return node


def without_shared_terms(node: Node, definition: Definition) -> Node:
    """softmax_j(e_ij − s (i − j)) as softmax_j(e_ij + s j): a term that all scores of a row share changes nothing."""
    match node:
        case Reduce(op="softmax" | "log_softmax" as op, index=j, term=e, where=where):
            scope = scope_of(definition)

            def runs(part: Node) -> bool:
                return j in single(part, scope).names

            terms = _terms(_value(e, definition), runs)
            kept = [term for term in terms if runs(term[1])]
            if kept and len(kept) < len(terms):
                return Reduce(op, j, _sum_of(kept), where)
    return node


def expanded_squares(node: Node, definition: Definition) -> Node:
    """Σ_l (x_il − y_jl)² as Σ x² − 2 Σ x y + Σ y²: squares of distances by a product of matrices."""
    match node:
        case Reduce(op="sum", index=l, term=term, where=None):
            pair = _factors(term)
            if pair is not None and pair[0] == pair[1]:
                match _value(pair[0], definition):
                    case Apply(op="-", args=(x, y)) if _are_apart(x, y, definition):
                        squares = [Reduce("sum", l, Apply("*", (each, each))) for each in (x, y)]
                        product = Apply("*", (Number(2.0), Reduce("sum", l, Apply("*", (x, y)))))
                        return Apply("+", (Apply("-", (squares[0], product)), squares[1]))
    return node


def difference_of_sums(node: Node, definition: Definition) -> Node:
    """Σ_j w_ij (x_i − y_j) as Σ_j w_ij x_i − Σ_j w_ij y_j: no difference of each pair is made."""
    match node:
        case Reduce(op="sum", index=j, term=term, where=where):
            parts = _split(term, definition)
            if parts is not None:
                return Apply("-", tuple(Reduce("sum", j, part, where) for part in parts))
    return node


RULES: dict[str, tuple[str, Rule]] = {
    "fast_variance": (
        "the mean of products less the product of the means, which loses digits where the means are large",
        products_less_means,
    ),
    "folded_shift": (
        "(x − μ) / s as x/s − μ/s, which loses digits where μ is large",
        folded_shift,
    ),
    "by_reciprocal": ("multiplied by the reciprocal of a divisor", by_reciprocal),
    "inverse_root": ("a / √b as a · b^(−1/2)", by_inverse_root),
    "divided_terms": ("terms divided before their sum", divided_terms),
    "divided_sum": ("the sum of weighted values divided at the end, as online softmax does", divided_sum),
    "normalised_exponentials": (
        "exp(x − m) / t as exp(x − (m + log t)), which loses digits where |m| is large",
        normalised_exponentials,
    ),
    "softmax_of_logarithms": (
        "softmax(x / c) as softmax(log softmax(x) / c), which loses digits where c is small",
        softmax_of_logarithms,
    ),
    "interpolated_back": ("z a + (1 − z) b as a + (1 − z) (b − a)", interpolated_back),
    "multiplied_out": ("a (1 − b) as a − a b, which loses digits where b is near 1", multiplied_out),
    "complement": ("1 − σ(x) as σ(−x)", complement),
    "from_complement": ("σ(x) as 1 − σ(−x), which loses digits in the lower tail", from_complement),
    "doubled_sigmoid": ("1 + tanh(x) as 2 σ(2x)", doubled_sigmoid),
    "log_of_sigmoid": ("softplus(x) as −log σ(−x), which loses digits where x is far below 0", by_log_of_sigmoid),
    "power_by_exponential": ("a power as exp(b log a)", power_by_exponential),
    "regrouped": ("products of matrices in the other order", regrouped),
    "expanded_squares": (
        "Σ (x − y)² as Σ x² − 2 Σ x y + Σ y², which loses digits where x and y are near and large",
        expanded_squares,
    ),
    "difference_of_sums": (
        "Σ w (x − y) as Σ w x − Σ w y, which loses digits where x and y are near and large",
        difference_of_sums,
    ),
    "shared_terms": (
        "softmax without a term that all scores of a row share, which loses digits where the others are large",
        without_shared_terms,
    ),
}
"""{name: (description, rule)}."""


def is_constant(node: Node) -> bool:
    """Whether a node consists of numbers and sizes only."""
    return all(isinstance(part, Number | SizeOf | Apply) for part in nodes(node))


def _rest(gate: Node) -> Apply:
    return Apply("-", (Number(1.0), gate))


def _value(node: Node, definition: Definition) -> Node:
    """The value of a line that a name stands for; any other node itself."""
    if not isinstance(node, Name):
        return node
    return next((line.value for line in definition.lines if line.targets == (node.id,)), node)


def _factors(term: Node) -> tuple[Node, Node] | None:
    """The factors of a product or of a square; None for any other node."""
    match term:
        case Apply(op="*", args=(a, b)):
            return a, b
        case Apply(op="**", args=(a, Number(value=2.0))):
            return a, a
    return None


def _centred(node: Node, index: str, count: Node, definition: Definition) -> bool:
    """Whether a node is x − μ, and μ the mean of x over an index."""
    match node:
        case Apply(op="-", args=(x, mu)):
            match _value(mu, definition):
                case Apply(op="/", args=(Reduce(op="sum", where=None) as total, n)):
                    return total.index == index and total.term == x and n == count
    return False


def _terms(node: Node, runs: Callable[[Node], bool], sign: str = "+") -> list[tuple[str, Node]]:
    """The terms of a sum with their signs; a factor of a sum is multiplied out where one of its terms does not run."""
    turned = {"+": "-", "-": "+"}
    match node:
        case Apply(op="+" | "-" as op, args=(a, b)):
            return _terms(a, runs, sign) + _terms(b, runs, sign if op == "+" else turned[sign])
        case Apply(op="neg", args=(a,)):
            return _terms(a, runs, turned[sign])
        case Apply(op="*" | "/" as op, args=(a, b)):
            for inner, factor, places in ((a, b, (0, 1)), *(((b, a, (1, 0)),) if op == "*" else ())):
                parts = _terms(inner, runs, sign)
                if not runs(factor) and len(parts) > 1 and not all(runs(part) for _, part in parts):
                    pairs = [(each, (part, factor)) for each, part in parts]
                    return [(each, Apply(op, (pair[places[0]], pair[places[1]]))) for each, pair in pairs]
    return [(sign, node)]


def _sum_of(terms: list[tuple[str, Node]]) -> Node:
    """The sum of terms with signs."""
    sign, total = terms[0]
    total = Apply("neg", (total,)) if sign == "-" else total
    for sign, term in terms[1:]:
        total = Apply(sign, (total, term))
    return total


def _split(node: Node, definition: Definition) -> tuple[Node, Node] | None:
    """A product with x − y as a factor, once with x in its place and once with y; factors may be lines of their own."""
    match value := _value(node, definition):
        case Apply(op="-", args=(x, y)) if _are_apart(x, y, definition):
            return x, y
        case Apply(op="*" | "/", args=(a, b)):
            if (parts := _split(a, definition)) is not None:
                return replace(value, args=(parts[0], b)), replace(value, args=(parts[1], b))
            if value.op == "*" and (parts := _split(b, definition)) is not None:
                return replace(value, args=(a, parts[0])), replace(value, args=(a, parts[1]))
    return None


def _are_apart(x: Node, y: Node, definition: Definition) -> bool:
    """Whether each of two has an index that the other lacks, as queries and keys have: a mean and its values do not."""
    scope = scope_of(definition)
    one, other = (single(each, scope).names for each in (x, y))
    return not one <= other and not other <= one


def _mapped(node: Node, definition: Definition) -> tuple[Node, Node] | None:
    """A vector and a matrix whose product a node is; the product may be a line, of which the node is a row."""
    row, places = (node.array, node.places) if isinstance(node, At) else (node, ())
    match _value(row, definition):
        case Apply(op="@", args=(x, matrix)) if _is_matrix(matrix, definition):
            if len(_dims(x, definition)) == 1 + len(places) and len(places) < 2:
                return At(x, places) if places else x, matrix
    return None


def _dims(node: Node, definition: Definition) -> tuple[Dim, ...]:
    """The sizes of the unnamed axes of a part of an equation."""
    return single(node, scope_of(definition)).dims


def _is_matrix(node: Node, definition: Definition) -> bool:
    """Whether a node is a parameter with two axes, as it is or transposed."""
    match node:
        case Apply(op="transpose", args=(inner,)):
            return _is_matrix(inner, definition)
        case Name(id=name):
            return any(each.name == name and len(each.dims) == 2 for each in definition.parameters)
    return False
