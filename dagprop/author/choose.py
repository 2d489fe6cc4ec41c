"""Which of many ways to write a rule is the best: no digits lost first, then the shortest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations, product

from dagprop.author.accuracy import Exact, Quality, exact_values, points_for, quality
from dagprop.author.derive import Derivative, Style, derivative_base, styles
from dagprop.author.expression import Call, Tree, cost, walk
from dagprop.author.stable import EXACT, applicable, stable
from dagprop.errors import PluginError, Problem, error_text
from dagprop.record import record

_WITHOUT_BRANCHES = [name for name in EXACT if name != "branches"]


@record
class Written:
    """A rule as it will be written.

    Attributes
    ----------
    tree : Tree
    quality : Quality
    rules : tuple of str
        Which rules of :mod:`dagprop.author.stable` changed what the author wrote.
    """

    tree: Tree
    quality: Quality
    rules: tuple[str, ...] = ()


@record
class Rules:
    """The rules of an op.

    Attributes
    ----------
    forward : Written
    derivatives : dict from str to Written
        By input; ``y`` in them is the output.
    """

    forward: Written
    derivatives: dict[str, Written]


def choose_rules(formula: Tree, inputs: Sequence[str], attributes: Mapping[str, float]) -> Rules:
    """Return the rules that a formula gives.

    The forward rule is as its author wrote it, unless digits are lost: then with as few changes as keep them.

    Raises
    ------
    PluginError
        If the derivative cannot be worked out (DP511).
    """
    try:
        for name in inputs:
            Derivative(formula, name).written(Style())
    except Exception as error:  # whatever SymPy comes to that no rule computes
        message = f"the derivative of the formula cannot be worked out: {error_text(error)}"
        raise PluginError(
            Problem("DP511", message, "write it by hand: dagprop plugins new NAME, without --formula")
        ) from error
    points = points_for(inputs, attributes)
    exact = exact_values(formula, points)
    forward = _forward(formula, exact)
    derivatives = {name: _derivative(formula, forward.tree, name, exact) for name in inputs}
    return Rules(forward, derivatives)


def _forward(formula: Tree, exact: Exact) -> Written:
    best = Written(formula, quality(formula, exact))
    names = applicable(formula)
    for count in range(1, len(names) + 1):
        if best.quality.perfect:
            break
        for chosen in combinations(names, count):
            tree = stable(formula, chosen)
            new = Written(tree, quality(tree, exact), chosen)
            if new.quality < best.quality and new.quality.lost <= best.quality.lost:
                best = new
    if best.quality.lost:
        tree = stable(best.tree, ["clamp"])
        new = Written(tree, quality(tree, exact), (*best.rules, "clamp"))
        if new.quality.lost < best.quality.lost and new.quality.error < 1e-3:  # it is no limit, then
            best = new
    return best


def _derivative(formula: Tree, forward: Tree, by: str, points: Exact) -> Written:
    plain = Derivative(formula, by)
    exact = exact_values(plain.written(Style()), points.points)
    bases = list(dict.fromkeys([derivative_base(formula), formula, stable(formula)]))
    best: Written | None = None
    seen: set[Tree] = set()
    choices = any(isinstance(part, Call) and part.function in ("maximum", "minimum") for part in walk(formula))
    for ties, base in product(((), ("minimum",), ("maximum",), ("maximum", "minimum")), bases):
        derivative = Derivative(base, by)
        for style in styles(base, ties):
            try:
                tree = derivative.written(style)
            except (ValueError, AttributeError, TypeError):  # SymPy came to something that no rule computes
                continue
            variants = (tree, stable(tree, _WITHOUT_BRANCHES), stable(tree), stable(tree, ["branches"]))
            for changed in dict.fromkeys(variants):
                if changed in seen:
                    continue
                seen.add(changed)
                if best is not None and best.quality.perfect and cost(changed) >= best.quality.cost:
                    continue
                new = Written(changed, quality(changed, exact, forward))
                if best is None or new.quality < best.quality:
                    best = new
        if best is not None and best.quality.perfect:
            break
        if not choices and base == bases[-1]:
            break
    assert best is not None
    if best.quality.lost:
        for tree in list(seen):
            clamped = stable(tree, ["clamp"])
            new = Written(clamped, quality(clamped, exact, forward), ("clamp",))
            if new.quality.lost < best.quality.lost or (new.rules == best.rules and new.quality < best.quality):
                best = new
    return best
