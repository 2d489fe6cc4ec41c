"""When a picture is due: the steps of the plan, as far as they can be seen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from dagprop.explain.document import Equation
from dagprop.explain.training_step import TrainingStep
from dagprop.graph.records import split_reference
from dagprop.record import record
from dagprop.render.diagrams.items import Items

Phase = Literal["start", "forward", "backward", "update"]


@record(eq=False)
class Moment:
    """What has just happened, and how far the plan has come.

    Attributes
    ----------
    phase : Phase
    node : str or None
        The item that has computed something: a value, or, of the gradients that it has, that of an input.
    target : str or None
        In the backward pass the value whose gradient grows.
    link : int or None
        The number of the link along which this goes.
    forward, backward : int
        So many steps of the plan are done.
    updated : bool
        Whether the parameters have their new values.
    reused : bool
        Whether the gradient that is passed on was passed on before.
    equations : tuple of Equation
    """

    phase: Phase
    node: str | None = None
    target: str | None = None
    link: int | None = None
    forward: int = 0
    backward: int = 0
    updated: bool = False
    reused: bool = False
    equations: tuple[Equation, ...] = ()


def moments(step: TrainingStep, items: Items) -> tuple[Moment, ...]:
    """Return the moments of a step of training.

    What happens inside a call that is not opened is one moment, when its last value, or the last share of a gradient,
    is there; what happens to nodes that are not drawn is none.
    """
    end = len(step.plan.forward)
    return (
        Moment("start"),
        *_forward(step, items),
        Moment(
            "backward", node=_loss_item(step, items), target=step.loss, forward=end, equations=(step.seed_equation(),)
        ),
        *_backward(step, items),
        *_update(step, items),
    )


def _loss_item(step: TrainingStep, items: Items) -> str | None:
    return items.by_node().get(split_reference(step.loss)[0])


def _forward(step: TrainingStep, items: Items) -> Iterator[Moment]:
    place = items.by_node()
    last = {place[forward.node]: number for number, forward in enumerate(step.plan.forward) if forward.node in place}
    for number, forward in enumerate(step.plan.forward):
        item = place.get(forward.node)
        if item is not None and last[item] == number:
            equations = () if items.of[item].call else step.forward_equations(forward)
            yield Moment("forward", item, forward=number + 1, equations=equations)


def _backward(step: TrainingStep, items: Items) -> Iterator[Moment]:
    place = items.by_node()
    # A call that uses a value several times has one link for it.
    links = {
        (link.target, link.reference, None if items.of[link.target].call else link.position): number
        for number, link in enumerate(items.links)
    }

    def link_of(number: int) -> int | None:
        backward = step.plan.backward[number]
        user = place.get(backward.node)
        if user is None:
            return None
        return links.get((user, backward.target, None if items.of[user].call else backward.position))

    last = {link_of(number): number for number in range(len(step.plan.backward))}
    passed: set[str] = set()
    for number, backward in enumerate(step.plan.backward):
        link = link_of(number)
        if link is None or last[link] != number:
            continue
        user = items.links[link].target
        reused = user in passed and not items.of[user].call
        passed.add(user)
        yield Moment(
            "backward",
            user,
            backward.target,
            link,
            len(step.plan.forward),
            number + 1,
            reused=reused and split_reference(step.loss)[0] not in items.of[user].nodes,
            equations=(step.backward_equation(backward.target, number + 1),),
        )


def _update(step: TrainingStep, items: Items) -> Iterator[Moment]:
    if not items.by_node().keys().isdisjoint(step.updated):
        yield Moment(
            "update",
            forward=len(step.plan.forward),
            backward=len(step.plan.backward),
            updated=True,
            equations=tuple(step.update_equations().values()),
        )
