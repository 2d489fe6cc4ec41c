"""The plan: order, pruning, what is freed, as tables and as properties of random networks."""

import networkx
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dagprop
from dagprop.errors import GraphError
from dagprop.ops.registry import op
from dagprop.plan.network import prepare
from dagprop.plan.steps import plan
from tests.conformance.neutral import write_file
from tests.random_graphs import random_graphs

CHAIN = {
    "x": {"op": "input", "value": 0.5},
    "w": {"op": "parameter", "value": 0.8},
    "v": {"op": "parameter", "value": -1.2},
    "a": {"op": "multiply", "inputs": ["w", "x"]},
    "f": {"op": "sigmoid", "inputs": ["a"]},
    "b": {"op": "multiply", "inputs": ["v", "f"]},
    "L": {"op": "sigmoid", "inputs": ["b"]},
}


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    folder = tmp_path_factory.mktemp("graphs")
    return lambda document: prepare(dagprop.load(write_file(folder, document)))


@pytest.fixture
def chain(network):
    return network({"dagprop": 1, "nodes": CHAIN, "loss": "L"})


PLANS = [
    pytest.param(
        ("L",), (), (),
        ["a = multiply(w, x)", "f = sigmoid(a)", "b = multiply(v, f)", "L = sigmoid(b)"],
        id="forward only",
    ),
    pytest.param(("f",), (), (), ["a = multiply(w, x)", "f = sigmoid(a)"], id="only what is asked for"),
    pytest.param(
        ("L",), ("L",), ("v",),
        ["a = multiply(w, x)", "f = sigmoid(a)", "b = multiply(v, f)", "L = sigmoid(b)",
         "d_b = sigmoid.d/x (d_L)", "d_v = multiply.d/xs[0] (d_b)"],
        id="the last parameter needs nothing before it",
    ),
    pytest.param(
        ("L",), ("L",), ("w", "v"),
        ["a = multiply(w, x)", "f = sigmoid(a)", "b = multiply(v, f)", "L = sigmoid(b)",
         "d_b = sigmoid.d/x (d_L)", "d_v = multiply.d/xs[0] (d_b)", "d_f = multiply.d/xs[1] (d_b)",
         "d_a = sigmoid.d/x (d_f)", "d_w = multiply.d/xs[0] (d_a)"],
        id="both parameters, not the input",
    ),
    pytest.param(
        (), ("b",), ("f",),
        ["a = multiply(w, x)", "f = sigmoid(a)", "b = multiply(v, f)", "d_f = multiply.d/xs[1] (d_b)"],
        id="between inner nodes",
    ),
    pytest.param(("L",), ("a",), ("b",), None, id="against the arrows there is nothing to do"),
]  # fmt: skip


@pytest.mark.parametrize(("outputs", "seeds", "wrt", "expected"), PLANS)
def test_plans_of_a_chain(chain, outputs, seeds, wrt, expected):
    steps = plan(chain, outputs, seeds, wrt)
    if expected is None:
        assert steps.backward == ()
    else:
        assert str(steps).splitlines() == expected


def test_a_value_used_twice_is_accumulated(network):
    nodes = {"x": {"op": "parameter", "value": 3.0}, "L": {"op": "multiply", "inputs": ["x", "x"]}}
    steps = plan(network({"dagprop": 1, "nodes": nodes, "loss": "L"}), ("L",), ("L",), ("x",))
    assert [str(step) for step in steps.backward] == ["d_x = multiply.d/xs[0] (d_L)", "d_x += multiply.d/xs[1] (d_L)"]


def test_leaves_that_are_not_needed_need_no_value(chain):
    assert plan(chain, ("f",)).leaves == ("x", "w")


def all_plans(draw, network):
    """Return a plan from the loss to some nodes."""
    ids = sorted(network.order)
    wrt = tuple(draw(st.lists(st.sampled_from(ids), min_size=1, max_size=3, unique=True)))
    loss = network.graph.loss
    return plan(network, (loss,), (loss,), wrt)


@given(example=random_graphs(), data=st.data())
def test_forward_is_in_topological_order(network, example, data):
    steps = all_plans(data.draw, network(example.document()))
    known = set(steps.leaves)
    for step in steps.forward:
        assert known.issuperset(step.inputs)
        known.update(step.outputs)


@given(example=random_graphs(), data=st.data())
def test_backward_reverses_the_order(network, example, data):
    made = network(example.document())
    place = {id: number for number, id in enumerate(made.order)}
    steps = all_plans(data.draw, made)
    places = [place[step.node] for step in steps.backward]
    assert places == sorted(places, reverse=True)
    begun = set(steps.seeds)
    for number, step in enumerate(steps.backward):
        # A gradient is complete before it is passed on: nothing adds to it afterwards.
        assert begun.issuperset(step.outputs)
        assert not {later.target for later in steps.backward[number:]} & set(step.outputs)
        assert step.accumulate == (step.target in begun)
        begun.add(step.target)


@given(example=random_graphs(), data=st.data())
def test_only_what_lies_between_is_back_propagated(network, example, data):
    made = network(example.document())
    steps = all_plans(data.draw, made)
    arrows = networkx.MultiDiGraph()  # made here and not by dagprop, whose order is under test
    arrows.add_nodes_from(example.nodes)
    arrows.add_edges_from((source, id) for id, node in example.nodes.items() for source in node.get("inputs", ()))
    below = set(steps.wrt).union(*(networkx.descendants(arrows, id) for id in steps.wrt))
    above = networkx.ancestors(arrows, example.loss) | {example.loss}
    expected = sorted((s, t) for s, t, _ in arrows.edges(keys=True) if s in below and t in above)
    assert sorted((step.target, step.node) for step in steps.backward) == expected


@given(example=random_graphs(), data=st.data())
def test_values_are_freed_after_their_last_use(network, example, data):
    steps = all_plans(data.draw, network(example.document()))
    alive = set(steps.leaves)
    for step in steps.forward:
        assert alive.issuperset(step.inputs)
        alive.update(step.outputs)
        alive.difference_update(step.frees)
    gradients = set(steps.seeds)
    ran = ()
    for step in steps.backward:
        runs = step.part is None or step.arguments is not ran  # a variadic rule runs once for all of its steps
        ran = step.arguments
        read = {source for kind, source in step.arguments if kind == "value"}
        read.update(*(source for kind, source in step.arguments if kind == "values"))
        assert alive >= read or not runs
        gradients.add(step.target)
        alive.difference_update(step.frees)
        gradients.difference_update(step.frees_gradients)
    assert alive <= {*steps.outputs, *steps.seeds, *steps.wrt}
    assert gradients <= {*steps.seeds, *steps.wrt}


def test_a_forward_run_of_a_chain_keeps_two_values(network):
    nodes = {"x0": {"op": "input", "value": 1.0}}
    nodes |= {f"x{i}": {"op": "sin", "inputs": [f"x{i - 1}"]} for i in range(1, 200)}
    steps = plan(network({"dagprop": 1, "nodes": nodes}), ("x199",))
    alive, most = set(steps.leaves), 0
    for step in steps.forward:
        alive.update(step.outputs)
        most = max(most, len(alive))
        alive.difference_update(step.frees)
    assert (most, alive) == (2, {"x199"})


def test_the_same_plan_is_made_once(chain):
    assert plan(chain, ("L",), ("L",), ("w",)) is plan(chain, ("L",), ("L",), ("w",))


@pytest.mark.usefixtures("own_ops")
class TestOpsWithoutDerivative:
    """An op may lack a derivative rule; that is an error only where a gradient must pass."""

    @pytest.fixture
    def stepped(self, network):
        @op("step")
        def step(xp, x):
            return xp.where(x > 0, 1, 0)

        nodes = {"w": {"op": "parameter", "value": 1.0}, "c": {"op": "constant", "value": 1.0}}
        nodes |= {"s": {"op": "step", "inputs": ["w"]}, "t": {"op": "step", "inputs": ["c"]}}
        nodes |= {"L": {"op": "multiply", "inputs": ["w", "s"]}, "M": {"op": "multiply", "inputs": ["w", "t"]}}
        return network({"dagprop": 1, "nodes": nodes})

    def test_it_is_named_where_a_gradient_must_pass(self, stepped):
        with pytest.raises(GraphError, match=r'node "s": op "step" has no derivative rule for its input "x".*DP504'):
            plan(stepped, ("L",), ("L",), ("w",))

    def test_it_is_no_matter_elsewhere(self, stepped):
        assert len(plan(stepped, ("M",), ("M",), ("w",)).backward) == 1
