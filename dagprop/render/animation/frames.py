"""From a step of training to its frames: what each shows, and what is said to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import zip_longest
from typing import Any

from dagprop.errors import GraphError, Problem
from dagprop.explain.document import Equation
from dagprop.explain.formula import Partial, Value
from dagprop.explain.numbers import Shown
from dagprop.explain.training_step import TrainingStep
from dagprop.graph.records import Graph, split_reference
from dagprop.plan.network import Network
from dagprop.record import record
from dagprop.render.animation.moments import Moment, moments
from dagprop.render.animation.records import Animation, Frame
from dagprop.render.animation.sentences import SentencePrinter, remark_text, sentence_text
from dagprop.render.diagrams.build import Visible, network_diagram, visible
from dagprop.render.diagrams.items import Items
from dagprop.render.diagrams.labels import Labels
from dagprop.render.diagrams.names import clean
from dagprop.render.diagrams.records import Diagram
from dagprop.render.diagrams.view import Numbers, View

SHOWN = ("value", "grad", "local")

MOST_FRAMES = 400
"""Nobody steps through more."""

MOST_EQUATIONS = 12
"""Of more equations of one frame the first are written."""


@record
class Scene:
    """What all frames show: a part of a network.

    Attributes
    ----------
    graph : Graph
        As it was read, with its definitions.
    network : Network
    view : View
    seen : Visible
    """

    graph: Graph
    network: Network
    view: View
    seen: Visible

    def diagram(self, numbers: Numbers) -> Diagram:
        """Return the picture with some numbers."""
        return network_diagram(self.graph, self.network, self.view, numbers, self.seen)


def scene(graph: Graph, network: Network, view: View) -> Scene:
    """Return what an animation of a network shows.

    Parameters
    ----------
    graph : Graph
        As it was read, with its definitions.
    network : Network
    view : View
        Of it ``depth``, ``around``, ``radius``, ``limit`` and ``digits``.

    Raises
    ------
    GraphError
        If the network is too large (DP803), or a node of the view is not there (DP104).
    """
    view = replace(view, weights="node", chain=(), phase=None, show=SHOWN, roll=False)
    seen = visible(network, view)
    hint = "--around NODE shows a part, --depth 0 closes definitions, a larger --limit takes more"
    _refuse(len(seen.items.of), view.limit, "nodes", hint)
    return Scene(graph, network, view, seen)


def animation(scene: Scene, step: TrainingStep) -> Animation:
    """Return the frames of a step of training.

    Raises
    ------
    GraphError
        If they are too many (DP803).
    """
    items = scene.seen.items
    found = moments(step, items)
    _refuse(len(found), MOST_FRAMES, "steps", "--wrt NODE shows what one gradient needs, --around NODE a part")
    labels = Labels(scene.graph, scene.network, scene.view, Numbers(), items, open_names=False)
    last = scene.diagram(_numbers(step, found[-1]))
    title = clean(scene.graph.name or "network")
    return Animation(title, tuple(_frame(scene, step, labels, last, found, moment) for moment in found))


def _refuse(count: int, most: int, things: str, hint: str) -> None:
    if count > most:
        message = f"{count:,} {things} are too many to step through; the most is {most:,}"
        raise GraphError(Problem("DP803", message, hint))


def _numbers(step: TrainingStep, moment: Moment) -> Numbers:
    """Return what is known at a moment."""
    values = step.values_after(moment.forward)
    if moment.updated:
        values = {**values, **step.updated}
    # Of a Jacobian that is too large it is known from the beginning that it will not be written.
    locals_ = {(edge.target, edge.position): None for edge in step.edges if edge.local is None}
    if moment.phase in ("start", "forward"):
        return Numbers(values, locals=locals_)
    gone = step.edges[: moment.backward]
    return Numbers(
        values,
        step.gradients_after(moment.backward),
        {**locals_, **{(edge.target, edge.position): edge.local for edge in gone}},
        {(edge.target, edge.position): edge.contribution for edge in gone},
    )


def _frame(
    scene: Scene,
    step: TrainingStep,
    labels: Labels,
    last: Diagram,
    found: tuple[Moment, ...],
    moment: Moment,
) -> Frame:
    numbers, items = _numbers(step, moment), scene.seen.items
    diagram = scene.diagram(numbers)
    # An arrow turns round when its gradient has gone along it, and has its final width at once.
    edges = tuple(
        replace(edge, backward=edge.sign is not None, strength=final.strength if edge.sign is not None else 0.0)
        for edge, final in zip(diagram.edges, last.edges, strict=True)
    )
    phase = [other for other in found if other.phase == moment.phase]
    heading = moment.phase.capitalize()
    if len(phase) > 1:
        heading += f" {phase.index(moment) + 1} of {len(phase)}"
    printer = SentencePrinter(labels.full, Shown(scene.view.digits))
    references = {item.id: labels.reference(item) for item in items.of.values()}
    return Frame(
        moment.phase,
        heading,
        sentence_text(step, moment, items, labels, printer),
        remark_text(step, moment, items, labels, printer) + _left_out(moment),
        replace(diagram, edges=edges),
        _lit(step, moment, items),
        moment.link,
        moment.node if moment.reused else None,
        tuple(_without_repetition(equation) for equation in moment.equations[:MOST_EQUATIONS]),
        {
            id: {
                name: arrays[reference]
                for name, arrays in (("value", numbers.values), ("grad", numbers.gradients))
                if reference in arrays
            }
            for id, reference in references.items()
        },
        _event(step, moment, items, numbers),
    )


def _without_repetition(equation: Equation) -> Equation:
    """Return an equation without rows that say what the left side or the last row says."""
    left, rows = equation.left, list(zip_longest(equation.rows, equation.notes, fillvalue=()))
    first = rows[0][0]
    if isinstance(left, Partial) and isinstance(first, Partial) and (left.of, left.by) == (first.of, first.by):
        del rows[0]
    if len(rows) > 1 and isinstance(rows[-2][0], Value):
        del rows[-2]
    formulas, notes = zip(*rows, strict=True)
    return replace(equation, rows=formulas, notes=notes)


def _left_out(moment: Moment) -> str:
    count = len(moment.equations) - MOST_EQUATIONS
    return f" {count} more are not written out." if count > 0 else ""


def _lit(step: TrainingStep, moment: Moment, items: Items) -> frozenset[str]:
    """Return what has just changed."""
    place = items.by_node()
    if moment.phase == "update":
        return frozenset(place[id] for id in step.updated if id in place)
    if moment.target is not None:
        id = split_reference(moment.target)[0]
        return frozenset((place[id],)) if id in place else frozenset()
    return frozenset((moment.node,)) if moment.node is not None else frozenset()


def _event(step: TrainingStep, moment: Moment, items: Items, numbers: Numbers) -> Mapping[str, Any]:
    """Return what has happened, in the words of ``dagprop backprop --json``."""
    done, event = step.done, {"phase": moment.phase, "node": moment.node}
    match moment.phase:
        case "start":
            return {**event, "values": dict(numbers.values)}
        case "forward":
            nodes = items.of[str(moment.node)].nodes
            return {**event, "values": {name: done.values[name] for id in nodes for name in step.network.outputs[id]}}
        case "backward" if moment.link is not None:
            link, target = items.links[moment.link], str(moment.target)
            gone: dict[str, Any] = {"from": target, "to": link.target}
            if not items.of[link.target].call:
                edge = step.edges[moment.backward - 1]
                gone |= {"input": edge.input, "local": edge.local, "contribution": edge.contribution}
            return {**event, **gone, "grad": {target: numbers.gradients[target]}}
        case "backward":
            return {**event, "grad": {step.loss: done.gradients[step.loss]}}
    changed = {
        id: {"value": done.values[id], "grad": done.gradients[id], "new_value": new} for id, new in step.updated.items()
    }
    return {**event, "lr": step.rate, "parameters": changed, "loss_after": step.loss_after}
