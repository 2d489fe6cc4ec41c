"""The Python API, whole: load a graph, run it, back-propagate, train.

``feeds`` and ``parameters`` are dicts of arrays by node id.  ``feeds`` may name any leaf; ``parameters`` names
parameters and states.  What is left out takes its ``value`` from the file, and a parameter that has only an ``init``
is initialised with the graph's seed.  Ids are those of the expanded graph: ``hidden/w``.  Wherever a function takes the
name of a value, as in ``wrt``, the id of a call works as in the file: ``hidden`` is its first output, ``hidden:1`` its
second.

``backend`` says who computes: ``"reference"`` is NumPy, step by step; ``"compiled"`` compiles first; ``"auto"`` takes
what pays, which is to compile for a training, and the reference for a single run.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dagprop.backends.leaf_values import Feeds, LeafValues, actual_shape, as_numbers, leaf_values
from dagprop.backends.reference import Array, Run, Values
from dagprop.backends.select import Backend, execute
from dagprop.errors import DagpropError, DataError, GraphError, Problem, quote
from dagprop.graph.fields import freeze
from dagprop.graph.records import METADATA, SAMPLE_AXIS, Choice, Graph
from dagprop.loading import check_file, load
from dagprop.plan.network import Network, prepare
from dagprop.plan.outputs import loss_reference, prediction_outputs
from dagprop.plan.records import Plan
from dagprop.plan.references import find_reference, find_references
from dagprop.plan.steps import plan
from dagprop.train.data import Data, data_from_arrays, load_data
from dagprop.train.initializers import initial_values
from dagprop.train.loop import train_network
from dagprop.train.records import EpochRecord, TrainResult
from dagprop.train.settings import check_settings

if TYPE_CHECKING:  # what explains, checks and draws is imported by what needs it, so that training starts without
    from dagprop.backends.edges import Backprop, Edge
    from dagprop.check.records import GradientCheck
    from dagprop.explain.cost import Cost
    from dagprop.explain.dependency import Dependency
    from dagprop.explain.derivation_records import Derivation
    from dagprop.explain.equation import Equations
    from dagprop.explain.flow import Flow
    from dagprop.explain.paths import Paths
    from dagprop.explain.training_step import TrainingStep

__all__ = [
    "EpochRecord",
    "TrainResult",
    "animate",
    "backprop",
    "check_file",
    "check_gradients",
    "cost",
    "depends",
    "derive",
    "draw",
    "equation",
    "flow",
    "forward",
    "initial_parameters",
    "load",
    "load_weights",
    "paths",
    "predict",
    "save_weights",
    "train",
    "value_and_grad",
    "vjp",
]


def forward(
    graph: Graph, feeds: Feeds | None = None, parameters: Feeds | None = None, *, backend: Backend = "auto"
) -> Values:
    """Run the forward pass and return the value of every node, by id.

    Parameters
    ----------
    graph : Graph
    feeds, parameters : mapping from id to array_like, optional
    backend : {"auto", "reference", "compiled"}

    Returns
    -------
    dict from str to ndarray
        Second and further outputs of a node are ``"node:1"``, …

    Raises
    ------
    GraphError
        If the graph is wrong, or a value is missing or does not fit.
    ComputationError
        If a rule fails.
    """
    network = prepare(graph)
    values, leaves = _run(network, plan(network, _every_value(network)), feeds, parameters, backend)
    return _plain(network, leaves, values.values)


def predict(
    graph: Graph, feeds: Feeds | None = None, parameters: Feeds | None = None, *, backend: Backend = "auto"
) -> Values:
    """Run only what the graph's ``outputs`` need and return them, by reference.

    A graph without ``outputs`` gives what its loss op calls prediction or logits, or every value that nothing uses.
    Targets need no value.

    Raises
    ------
    GraphError, ComputationError
        As :func:`forward` does.
    """
    network = prepare(graph)
    done, leaves = _run(network, plan(network, prediction_outputs(network)), feeds, parameters, backend)
    return _plain(network, leaves, done.values)


def value_and_grad(
    graph: Graph,
    feeds: Feeds | None = None,
    parameters: Feeds | None = None,
    wrt: Iterable[str] | None = None,
    *,
    backend: Backend = "auto",
) -> tuple[float, Values]:
    """Return the loss, as the mean over the samples, and its gradients.

    Parameters
    ----------
    graph : Graph
        With a loss.
    feeds, parameters : mapping from id to array_like, optional
    wrt : iterable of str, optional
        Any nodes: parameters, inputs, inner nodes.  By default the trainable parameters.
    backend : {"auto", "reference", "compiled"}

    Returns
    -------
    loss : float
    gradients : dict from str to ndarray
        By the names of ``wrt``, each of the shape of its node; zeros where the loss does not depend on it.

    Raises
    ------
    GraphError
        If the graph is wrong or has no loss (DP206), or a value is missing or does not fit.
    ComputationError
        If a rule fails.
    """
    network = prepare(graph)
    loss = loss_reference(network)
    wanted = _wanted(network, wrt)
    done, leaves = _run(network, plan(network, (loss,), (loss,), _each_once(wanted)), feeds, parameters, backend)
    return _mean(loss, done), _plain(network, leaves, done.gradients, wanted)


def vjp(
    graph: Graph,
    feeds: Feeds | None,
    parameters: Feeds | None,
    cotangents: Feeds,
    wrt: Iterable[str] | None = None,
    *,
    backend: Backend = "auto",
) -> Values:
    """Back-propagate given gradients of any nodes (a vector-Jacobian product).

    Parameters
    ----------
    graph : Graph
        A loss is not needed.
    feeds, parameters : mapping from id to array_like, or None
    cotangents : mapping from id to array_like
        The upstream gradient of each node to start from, in the shape of its value.
    wrt : iterable of str, optional
        As in :func:`value_and_grad`.
    backend : {"auto", "reference", "compiled"}

    Returns
    -------
    dict from str to ndarray
        For each ``wrt`` the sum over the given nodes of cotangent times Jacobian.

    Raises
    ------
    GraphError
        If the graph is wrong, or a value or cotangent is missing, does not fit, or is given twice.
    ComputationError
        If a rule fails.
    """
    network = prepare(graph)
    cotangents = _by_id("cotangents", cotangents)
    started, wanted = find_references(network, cotangents), _wanted(network, wrt)
    seeds = _each_once(started)
    _refuse_two_names(started)
    steps = plan(network, seeds, seeds, _each_once(wanted))
    leaves = _leaves(network, steps, feeds, parameters)
    given = {seed: _cotangent(network, leaves, seed, cotangents[name]) for name, seed in started.items()}
    return _plain(network, leaves, execute(steps, leaves.arrays, given, backend).gradients, wanted)


def backprop(
    graph: Graph, feeds: Feeds | None = None, parameters: Feeds | None = None, *, backend: Backend = "auto"
) -> Backprop:
    """Run one forward and one backward pass and keep everything: values, gradients and local derivatives.

    Raises
    ------
    GraphError, ComputationError
        As :func:`value_and_grad` does.
    """
    from dagprop.backends.edges import Backprop, edges

    network = prepare(graph)
    loss = loss_reference(network)
    every = _every_value(network)
    steps = plan(network, every, (loss,), every)
    done, leaves = _run(network, steps, feeds, parameters, backend)

    def plain(array: Array, *names: str) -> Array:
        return leaves.without_sample_axis(array, *(network.shapes[name] for name in names))

    def plain_edge(edge: Edge) -> Edge:
        local, output = edge.local, network.outputs[edge.target][0]
        if local is not None:
            names = (output,) if local.shape == done.values[output].shape else (output, edge.source)
            local = plain(local, *names)
        return replace(edge, local=local, contribution=plain(edge.contribution, edge.source))

    return Backprop(
        loss=_mean(loss, done),
        values={name: plain(value, name) for name, value in done.values.items()},
        gradients={name: plain(value, name) for name, value in done.gradients.items()},
        edges=tuple(plain_edge(edge) for edge in edges(steps, done.values, done.gradients)),
    )


def paths(
    graph: Graph,
    feeds: Feeds | None = None,
    parameters: Feeds | None = None,
    *,
    wrt: str,
    to: str | None = None,
    top: int = 10,
    element: int | tuple[int, ...] | None = None,
) -> Paths:
    """Return the paths that a gradient is the sum of: how many there are, and the largest with their shares.

    Parameters
    ----------
    graph : Graph
    feeds, parameters : mapping from id to array_like, optional
    wrt : str
        The value whose gradient is taken apart: a parameter, an input, an inner node.
    to : str, optional
        Where the paths begin; by default the loss.  Of an array, the mean of its elements is differentiated.
    top : int
        How many paths to return at most.
    element : int or tuple of int, optional
        The one entry of the gradient to look at.

    Returns
    -------
    Paths

    Raises
    ------
    GraphError
        As :func:`value_and_grad` does, and if there is no such value (DP104, DP113) or element (DP011).
    ComputationError
        If a rule fails.
    """
    from dagprop.explain.paths import find_paths

    network = prepare(graph)
    wanted = find_reference(network, wrt)
    start = loss_reference(network) if to is None else find_reference(network, to)
    steps = plan(network, _every_value(network), (start,), (wanted,))
    done, leaves = _run(network, steps, feeds, parameters, "reference")
    shape = network.shapes[wanted]
    if element is not None:
        index = (element,) if isinstance(element, int) else tuple(element)
        one_sample = leaves.one_sample and shape[:1] == (SAMPLE_AXIS,)
        return find_paths(steps, done, top, (0, *index) if one_sample else index)
    found = find_paths(steps, done, top)

    def plain(array: Array) -> Array:
        return leaves.without_sample_axis(array, shape)

    shown = tuple(replace(path, contribution=plain(path.contribution)) for path in found.paths)
    return replace(found, gradient=plain(found.gradient), paths=shown)


def cost(graph: Graph, *, batch_size: int = 1) -> Cost:
    """Count the multiplications that the gradient of all parameters takes: with reuse, forward, without reuse.

    Only the shapes matter, so no values are needed.

    Parameters
    ----------
    graph : Graph
        With a loss.
    batch_size : int
        The number of samples, where there are some.

    Returns
    -------
    Cost

    Raises
    ------
    GraphError
        If the graph is wrong or has no loss (DP206).
    """
    from dagprop.explain.cost import count_cost

    return count_cost(prepare(graph), batch_size)


def flow(
    graph: Graph,
    feeds: Feeds | None = None,
    parameters: Feeds | None = None,
    wrt: Iterable[str] | None = None,
    *,
    vanishing: float = 1e-3,
    exploding: float = 1e3,
) -> Flow:
    """Return how large the gradient is at every value, and which factors make it vanish or explode.

    Parameters
    ----------
    graph : Graph
        With a loss.
    feeds, parameters : mapping from id to array_like, optional
    wrt : iterable of str, optional
        The nodes to judge; by default the trainable parameters.
    vanishing, exploding : float
        The bounds of the gradient of a parameter, divided by that at the start of its chain, behind the loss.

    Returns
    -------
    Flow

    Raises
    ------
    GraphError, ComputationError
        As :func:`value_and_grad` does.
    """
    from dagprop.explain.flow import find_flow

    network = prepare(graph)
    wanted = _each_once(_wanted(network, wrt))
    steps = plan(network, _every_value(network), (loss_reference(network),), wanted)
    done, leaves = _run(network, steps, feeds, parameters, "reference")
    return find_flow(network, steps, done.values, leaves.sizes.get(SAMPLE_AXIS, 1), vanishing, exploding)


def derive(
    graph: Graph,
    wrt: Iterable[str] | None = None,
    feeds: Feeds | None = None,
    parameters: Feeds | None = None,
) -> Derivation:
    """Derive gradients by the chain rule, line by line, as the backward pass works them out.

    Parameters
    ----------
    graph : Graph
        With a loss.
    wrt : iterable of str, optional
        Any nodes; by default the trainable parameters.
    feeds, parameters : mapping from id to array_like, optional

    Returns
    -------
    Derivation
        ``print`` writes it out; a notebook shows it.

    Raises
    ------
    GraphError, ComputationError
        As :func:`value_and_grad` does.
    """
    from dagprop.explain.derivation import derivation

    network = prepare(graph)
    loss = loss_reference(network)
    wanted = _each_once(_wanted(network, wrt))
    needed = plan(network, tuple(dict.fromkeys((loss, *wanted))), (loss,), wanted)
    return derivation(network, loss, _leaves(network, needed, feeds, parameters), wanted)


def check_gradients(
    graph: Graph,
    feeds: Feeds | None = None,
    parameters: Feeds | None = None,
    *,
    tolerance: float = 1e-6,
    samples: int | None = 20,
    seed: int | None = None,
) -> GradientCheck:
    """Check the derivative rule of every input of every node, and the gradients of the whole graph.

    A rule is compared with what the forward rule does when the input moves, at the values that the node has here: by
    the complex step where the forward rule works on complex numbers, otherwise by extrapolated central differences.
    All is computed in float64.  Kinks (relu at 0), jumps, rounding and numbers that are not finite are told apart from
    errors.

    Parameters
    ----------
    graph : Graph
        Without a loss, the rules alone are checked.
    feeds, parameters : mapping from id to array_like, optional
    tolerance : float
        The relative difference up to which two numbers are equal, above 0 and below 1.
    samples : int or None
        Of an array with more entries than this, so many are checked one by one, and all together along random
        directions; None checks each.
    seed : int, optional
        Of the sample and the directions; by default the graph's ``train`` seed.

    Returns
    -------
    GradientCheck
        Its ``ok`` says whether all is right, ``first`` is the first wrong rule in forward order.

    Raises
    ------
    GraphError
        If the graph or a setting is wrong, or a value is missing or does not fit.
    ComputationError
        If a forward rule fails.

    Examples
    --------
    >>> graph = dagprop.load("graphs/four-layer-chain.json")
    >>> dagprop.check_gradients(graph).ok
    True
    """
    from dagprop.check.network import check_network, largest_rounding
    from dagprop.check.records import Settings

    _check_settings(tolerance, samples)
    network = prepare(replace(graph, dtype="float64") if isinstance(graph, Graph) else graph)
    used = graph.train.seed if seed is None else seed
    check_settings(replace(graph.train, seed=used))
    leaves = _leaves(network, plan(network, _every_value(network)), feeds, parameters)
    done = check_network(network, leaves, Settings(float(tolerance), samples, used))
    if graph.dtype == "float64" or done.network is None:
        return done
    exact, rounded = (value_and_grad(g, feeds, parameters)[1] for g in (network.graph, graph))
    return replace(done, rounding=largest_rounding(exact, rounded))


def equation(graph: Graph, *, length: int = 100) -> Equations:
    """Return the network as one long equation, and as a list of substitutions; as text it is the long equation.

    Parameters
    ----------
    graph : Graph
    length : int
        So many names, numbers and signs stand in one equation at most, unless a single rule writes more.  What does not
        fit keeps its name and has an equation of its own.

    Raises
    ------
    GraphError
        If the graph is wrong.
    """
    from dagprop.explain.equation import equations

    return equations(prepare(graph), length)


def depends(graph: Graph, node: str | None = None, *, reverse: bool = False) -> Dependency:
    """Return on what a node depends, and how the loss depends on it; as text, the ways from the loss in words.

    Parameters
    ----------
    graph : Graph
    node : str, optional
        By default the loss, or without one the first output.
    reverse : bool
        Whether to look for who depends on the node instead.

    Raises
    ------
    GraphError
        If the graph is wrong, or there is no such node (DP104) or output of it (DP113).
    """
    from dagprop.explain.dependency import dependency

    return dependency(graph, node, reverse)


def draw(
    graph: Graph,
    path: str | os.PathLike[str] | None = None,
    *,
    format: str | None = None,
    theme: str = "light",
    feeds: Feeds | None = None,
    parameters: Feeds | None = None,
    **view: Any,
) -> bytes:
    """Draw a network.

    Parameters
    ----------
    graph : Graph
    path : path-like, optional
        Where to write the picture.
    format : {"svg", "png", "pdf", "dot", "mermaid", "tikz", "text"}, optional
        By default as the name of the path ends; else SVG.
    theme : {"light", "dark"}
    feeds, parameters : mapping from id to array_like, optional
        For the numbers, where some are shown.
    **view
        What is shown: the fields of :class:`dagprop.render.diagrams.view.View`.

    Returns
    -------
    bytes
        The picture; of a text format, in UTF-8.

    Raises
    ------
    GraphError
        If the graph is wrong, or the view names what is not there.
    MissingDependencyError, ComputationError
        If the format needs Graphviz, and there is none or it fails.
    DagpropError
        If the file cannot be written (DP603).
    """
    from logging import getLogger

    from dagprop.render.diagrams.drawing import draw_network, format_of
    from dagprop.render.diagrams.view import Numbers, view_of

    chosen = format or (format_of(os.fspath(path)) if path is not None else "svg")
    made = view_of(view)
    numbers = Numbers()
    if made.needs_gradients:
        numbers = Numbers.of(backprop(graph, feeds, parameters))
    elif made.needs_numbers:
        numbers = Numbers(forward(graph, feeds, parameters))
    picture, diagram = draw_network(graph, prepare(graph), made, numbers, chosen, theme)
    for remark in diagram.remarks:
        getLogger("dagprop").warning(remark)
    if path is not None:
        try:
            with open(path, "wb") as stream:
                stream.write(picture)
        except OSError as error:
            message = f"the file cannot be written: {error.strerror or error}"
            raise DagpropError(Problem("DP603", message, file=os.fspath(path))) from error
    return picture


def animate(
    graph: Graph,
    path: str | os.PathLike[str] | None = None,
    *,
    format: str | None = None,
    theme: str | None = None,
    feeds: Feeds | None = None,
    parameters: Feeds | None = None,
    wrt: Iterable[str] | None = None,
    learning_rate: float | None = None,
    **view: Any,
) -> tuple[bytes, ...]:
    """Show one step of training, move by move: forward, backward, update.

    Parameters
    ----------
    graph : Graph
        With a loss.
    path : path-like, optional
        Where to write the page, or the folder for the pictures.
    format : {"html", "frames"}, optional
        One page to step through, or a picture for each step; by default a page if the path ends so or there is none.
    theme : {"light", "dark"}, optional
        By default a page goes with what the reader's machine is set to; pictures are light.
    feeds, parameters : mapping from id to array_like, optional
    wrt : iterable of str, optional
        The values whose gradients are worked out, with what these need; by default all.
    learning_rate : float, optional
        Of the update; by default the graph's.
    **view
        What is shown: ``depth``, ``around``, ``radius``, ``limit`` and ``digits`` of
        :class:`dagprop.render.diagrams.view.View`.

    Returns
    -------
    tuple of bytes
        The page, alone; or the pictures, as SVG.

    Raises
    ------
    GraphError
        If the graph is wrong or has no loss, is too large to be stepped through (DP803), or the view names what is not
        there.
    MissingDependencyError, ComputationError
        If there is no Graphviz for the layout, or it fails.
    DagpropError
        If a file cannot be written (DP603).
    """
    from dagprop.render.animation.drawing import animate_step, write_animation
    from dagprop.render.animation.frames import scene
    from dagprop.render.diagrams.view import view_of

    shown = scene(graph, prepare(graph), view_of(view))
    visible = [
        reference
        for item in shown.seen.items.of.values()
        for id in item.nodes
        for reference in shown.network.outputs[id]
    ]
    step = _training_step(graph, feeds, parameters, wrt, learning_rate, tuple(visible))
    files = animate_step(shown, step, format, theme, None if path is None else os.fspath(path))
    if path is not None:
        write_animation(files, os.fspath(path))
    return tuple(files.values())


def _training_step(
    graph: Graph,
    feeds: Feeds | None,
    parameters: Feeds | None,
    wrt: Iterable[str] | None,
    rate: float | None,
    visible: tuple[str, ...],
) -> TrainingStep:
    """Return one step of training, with everything in between."""
    from dagprop.explain.training_step import TrainingStep

    network = prepare(graph)
    every = _every_value(network)
    wanted = every if wrt is None else _each_once(find_references(network, wrt))
    done = backprop(graph, feeds, parameters)
    loss = loss_reference(network)
    steps = plan(network, every, (loss,), wanted)
    used = graph.train.learning_rate if rate is None else rate
    trained = [id for id in network.graph.parameters() if id in wanted]
    new = {id: done.values[id] - used * done.gradients[id] for id in trained}
    after = forward(graph, {**_by_id("feeds", feeds), **new}, parameters)[loss]
    return TrainingStep(done, derive(graph, visible, feeds, parameters), steps, used, new, float(after.mean()))


def initial_parameters(graph: Graph, seed: int | None = None) -> Values:
    """Return the parameters and states before any training, by id.

    Parameters
    ----------
    graph : Graph
    seed : int, optional
        Of the random initialisers; by default the graph's ``train`` seed.

    Raises
    ------
    GraphError
        If the graph is wrong.
    """
    network = prepare(graph)
    settings = graph.train if seed is None else replace(graph.train, seed=seed)
    check_settings(settings)
    return initial_values(network, settings.seed)


def train(
    graph: Graph,
    data: Feeds | Data | None = None,
    *,
    parameters: Feeds | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    shuffle: bool | None = None,
    seed: int | None = None,
    validation: float | None = None,
    test: float | None = None,
    optimizer: Choice | None = None,
    schedule: Choice | None = None,
    metrics: Sequence[Choice] | None = None,
    on_epoch: Callable[[EpochRecord], object] | None = None,
    on_variables: Callable[[Values], object] | None = None,
    backend: Backend = "auto",
) -> TrainResult:
    """Train step by step, all gradients taken at the old θ: by θ ← θ - η ∂L/∂θ, or as another optimiser has it.

    Parameters
    ----------
    graph : Graph
        With a loss.
    data : mapping from id to array_like, optional
        All samples of each input, along the first axis; by default the data file that the graph names, or else the
        ``value`` of its inputs.
    parameters : mapping from id to array_like, optional
        Where to start from; by default the file's values and initialisers.
    epochs, batch_size, learning_rate, shuffle, seed, validation, test : optional
        See :class:`~dagprop.graph.records.TrainSettings`; what is None is as the graph's ``train`` says.
    optimizer, schedule : str or mapping, optional
        What is declared under a name; with settings as in ``{"name": "momentum", "momentum": 0.8}``.
    metrics : sequence of str or mapping, optional
        What to measure beside the loss, each as these.
    on_epoch : callable, optional
        Is given the :class:`~dagprop.train.records.EpochRecord` of each epoch when it ends.
    on_variables : callable, optional
        Is given the parameters and states at the start, and at the end of each epoch before ``on_epoch`` is called.
    backend : {"auto", "reference", "compiled"}

    Returns
    -------
    TrainResult
        Its ``parameters`` go into :func:`predict`, :func:`forward` and the others.

    Raises
    ------
    GraphError
        If the graph, a setting or a value is wrong.
    DataError
        If the data cannot be read or does not fit.
    ComputationError
        If the loss or a parameter is no longer finite, or a rule fails; or if ``"compiled"`` is asked for and the
        network cannot be.
    """
    network = prepare(graph)
    given: dict[str, Any] = {
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "shuffle": shuffle,
        "seed": seed,
        "validation": validation,
        "test": test,
        "optimizer": freeze(optimizer),
        "schedule": freeze(schedule),
        "metrics": freeze(metrics),
    }
    # NumPy's numbers are numbers.
    plain = {name: value.item() if isinstance(value, np.generic) else value for name, value in given.items()}
    settings = replace(graph.train, **{name: value for name, value in plain.items() if value is not None})
    if data is None:
        data = load_data(graph, network)
    elif not isinstance(data, Data):
        data = data_from_arrays(network, _by_id("data", data))
    return train_network(network, data, settings, _by_id("parameters", parameters), on_epoch, backend, on_variables)


def save_weights(graph: Graph, path: str | os.PathLike[str], weights: TrainResult | Feeds) -> None:
    """Write parameters and states to a weights file, which :func:`load_weights` and ``--weights`` read.

    Parameters
    ----------
    graph : Graph
        Whose they are.
    path : path-like
        A file of that name is replaced, whole or not at all.
    weights : TrainResult or mapping from id to array_like
        What a training gives, whose settings are written too; or a value for every parameter and state.

    Raises
    ------
    GraphError
        If the graph is wrong.
    CheckpointError
        If the weights are not those of the graph (DP602), or the file cannot be written (DP603).
    """
    from dagprop.train.checkpoint import fit_weights, weights_metadata, write_weights

    if isinstance(weights, TrainResult):
        given, metadata = weights.parameters, weights_metadata(graph, weights.settings, len(weights.history))
    else:
        given = {id: _any_array(value) for id, value in _by_id("weights", weights).items()}
        metadata = weights_metadata(graph)
    write_weights(os.fspath(path), fit_weights(prepare(graph), given), metadata)


def load_weights(graph: Graph, path: str | os.PathLike[str]) -> Values:
    """Return the parameters and states that a weights file holds, by id.

    A weights file is data: nothing in it is ever run.  Any other NPZ archive with an array for each of them will do.

    Parameters
    ----------
    graph : Graph
    path : path-like
        What ``dagprop train`` or :func:`save_weights` has written.

    Returns
    -------
    dict from str to ndarray
        In the dtype of the graph, for the ``parameters`` of :func:`predict`, :func:`train` and the others.

    Raises
    ------
    GraphError
        If the graph is wrong.
    CheckpointError
        If the file cannot be read (DP601), or what it holds does not fit the graph (DP602).

    Warns
    -----
    On the logger ``dagprop``, of each op that is not the one that the weights were trained with (DP604).
    """
    from logging import getLogger

    from dagprop.train.checkpoint import fit_weights, read_weights
    from dagprop.train.op_origins import origin_problems

    network, file = prepare(graph), os.fspath(path)
    found, metadata = read_weights(file)
    weights = fit_weights(network, found, file)
    for problem in origin_problems(graph, metadata, file):
        getLogger("dagprop").warning(problem)
    return weights


def _any_array(given: Any) -> Array:
    """Return what a user gave as an array; a ragged list, like all that is no number, becomes one of objects."""
    try:
        return np.asarray(given)
    except ValueError:
        return np.asarray(None)


def _check_settings(tolerance: Any, samples: Any) -> None:
    """Refuse settings of a gradient check that are out of range.

    Raises
    ------
    GraphError
        With each of them (DP011).
    """
    problems = []
    if not (isinstance(tolerance, (int, float, np.number)) and 0 < tolerance < 1):
        problems.append(Problem("DP011", f"tolerance must be a number above 0 and below 1, is {quote(tolerance)}"))
    if samples is not None and not (isinstance(samples, (int, np.integer)) and samples >= 1):
        problems.append(Problem("DP011", f"samples must be a whole number from 1, or None, is {quote(samples)}"))
    if problems:
        raise GraphError(*problems)


def _run(
    network: Network, steps: Plan, feeds: Feeds | None, parameters: Feeds | None, backend: Backend
) -> tuple[Run, LeafValues]:
    leaves = _leaves(network, steps, feeds, parameters)
    return execute(steps, leaves.arrays, backend=backend), leaves


def _leaves(network: Network, steps: Plan, feeds: Feeds | None, parameters: Feeds | None) -> LeafValues:
    given = _by_id("feeds", feeds), _by_id("parameters", parameters)
    missing = [id for id in steps.leaves if not any(id in source for source in given)]
    initial = initial_values(network, network.graph.train.seed, only=missing) if missing else {}
    return leaf_values(network, steps.leaves, *given, initial)


def _by_id(name: str, given: Any) -> Feeds:
    """Return what must be a dict by id; nothing is an empty one.

    Raises
    ------
    GraphError
        If it is something else (DP008), or a whole weights file (DP305).
    """
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        message = f"{name} must be a dict from node id to array, is a {type(given).__name__}"
        raise GraphError(Problem("DP008", message, f'as in {name}={{"x": 0.5}}'))
    if METADATA in given:
        message = f"{name} holds {quote(METADATA)}, which is what a weights file says of itself"
        raise GraphError(Problem("DP305", message, "dagprop.load_weights(graph, path) gives the parameters"))
    return given


def _plain(network: Network, leaves: LeafValues, arrays: Values, references: Mapping[str, str] | None = None) -> Values:
    """Return results as the user means them, by the names that the user gave, as arrays of their own to write to."""
    named = references if references is not None else {name: name for name in arrays}
    return {
        name: np.array(leaves.without_sample_axis(arrays[reference], network.shapes[reference]))
        for name, reference in named.items()
    }


def _mean(loss: str, done: Run) -> float:
    """Return the mean of the loss over the samples.

    Raises
    ------
    DataError
        If there are none (DP405).
    """
    if not done.values[loss].size:
        raise DataError(Problem("DP405", "there are no samples to take the mean loss of", node=loss))
    return float(done.values[loss].mean())


def _cotangent(network: Network, leaves: LeafValues, name: str, given: Any) -> Array:
    shape = network.shapes[name]
    expected = actual_shape(shape, leaves.sizes)
    try:
        array = leaves.with_sample_axis(as_numbers(given, np.dtype(network.graph.dtype)), shape)
    except (TypeError, ValueError, OverflowError) as error:
        message = f"the cotangent of {quote(name)} is not a number or a regular table of numbers"
        raise GraphError(Problem("DP302", message, node=name)) from error
    if array.shape != expected:
        message = f"the cotangent of {quote(name)} has shape {np.shape(given)}, its value has {expected}"
        raise GraphError(Problem("DP303", message, node=name))
    return array


def _wanted(network: Network, wrt: Iterable[str] | None) -> dict[str, str]:
    """Return the references of what gradients are asked for, by the names that they are asked for by."""
    return find_references(network, network.graph.parameters() if wrt is None else wrt)


def _each_once(references: Mapping[str, str]) -> tuple[str, ...]:
    """Return the references that some names stand for, each once."""
    return tuple(dict.fromkeys(references.values()))


def _refuse_two_names(references: Mapping[str, str]) -> None:
    """Refuse names that stand for the same value, where each gives it something.

    Raises
    ------
    GraphError
        With each of them (DP112).
    """
    first: dict[str, str] = {}
    problems = [
        Problem("DP112", f"{quote(first[reference])} and {quote(name)} are the same value", "name it once")
        for name, reference in references.items()
        if first.setdefault(reference, name) != name
    ]
    if problems:
        raise GraphError(*problems)


def _every_value(network: Network) -> tuple[str, ...]:
    return tuple(reference for id in network.order for reference in network.outputs[id])
