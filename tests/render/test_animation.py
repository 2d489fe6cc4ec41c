"""Frames of a training step: what is known when, against the engine and against the graph itself."""

import json
import re
from dataclasses import replace
from xml.etree import ElementTree

import hypothesis
import numpy as np
import pytest

import dagprop
from dagprop.errors import GraphError
from dagprop.explain.training_step import TrainingStep
from dagprop.plan.network import prepare
from dagprop.plan.outputs import loss_reference
from dagprop.plan.steps import plan
from dagprop.render.animation.curves import cut
from dagprop.render.animation.frames import animation, scene
from dagprop.render.animation.layout import layout
from dagprop.render.animation.svg import picture, reuse_texts
from dagprop.render.diagrams.records import THEMES
from dagprop.render.diagrams.theme import LIGHT, theme_of
from dagprop.render.diagrams.view import View
from tests.random_graphs import random_graphs


def step_of(graph, rate=0.5):
    network = prepare(graph)
    every = tuple(name for id in network.order for name in network.outputs[id])
    done, loss = dagprop.backprop(graph), loss_reference(network)
    steps = plan(network, every, (loss,), every)
    new = {id: done.values[id] - rate * done.gradients[id] for id in graph.parameters()}
    derivation = dagprop.derive(graph, every)
    return TrainingStep(done, derivation, steps, rate, new, 0.0)


def animated(graph, **view):
    return animation(scene(graph, prepare(graph), View(**view)), step_of(graph))


def load(folder, random):
    path = folder / "graph.json"
    path.write_text(json.dumps(random.document()), encoding="utf-8")
    return dagprop.load(path)


@hypothesis.given(random_graphs())
@hypothesis.settings(max_examples=25)
def test_what_is_known_grows_to_what_backprop_gives(tmp_path_factory, random):
    graph = load(tmp_path_factory.mktemp("random"), random)
    made, done = animated(graph), dagprop.backprop(graph)
    known = set()
    for frame in made.frames[:-1] if graph.parameters() else made.frames:
        now = {(id, key) for id, numbers in frame.numbers.items() for key in numbers}
        assert known <= now, "nothing is forgotten"
        for id, numbers in frame.numbers.items():
            np.testing.assert_array_equal(numbers.get("value", done.values[id]), done.values[id])
        if frame.phase == "forward":
            inputs = prepare(graph).node(next(iter(frame.lit))).references
            assert all((name, "value") in known for name in inputs), "a value is computed from known ones"
        if frame.lit_edge is not None:
            assert (frame.diagram.edges[frame.lit_edge].target, "grad") in known, "a gradient comes from a known one"
        known = now
    assert known == {(id, key) for id in prepare(graph).order for key in ("value", "grad")}
    for id, numbers in made.frames[-1].numbers.items():
        np.testing.assert_array_equal(numbers["grad"], done.gradients[id])


@hypothesis.given(random_graphs())
@hypothesis.settings(max_examples=25)
def test_a_gradient_is_the_sum_of_what_has_come_so_far(tmp_path_factory, random):
    graph = load(tmp_path_factory.mktemp("random"), random)
    sums = {}
    for frame in animated(graph).frames:
        if "contribution" not in frame.event:
            continue
        event = frame.event
        sums[event["from"]] = sums.get(event["from"], 0) + event["contribution"]
        np.testing.assert_allclose(event["grad"][event["from"]], sums[event["from"]], rtol=1e-12, atol=1e-14)
        np.testing.assert_array_equal(frame.numbers[event["from"]]["grad"], event["grad"][event["from"]])
    for name, total in sums.items():
        np.testing.assert_allclose(total, random.derivative(name), rtol=1e-9, atol=1e-11)


def texts_of(root):
    return [element.text or "" for element in root.iter("text")]


@hypothesis.given(random_graphs())
@hypothesis.settings(max_examples=10)
def test_nothing_moves(tmp_path_factory, random):
    made = animated(load(tmp_path_factory.mktemp("random"), random))
    places = layout([frame.diagram for frame in made.frames], reuse_texts(made))
    pictures = [picture(made, frame, places, LIGHT) for frame in made.frames]
    for elements in zip(*(root.iter() for root in pictures), strict=True):
        assert len({element.tag for element in elements}) == 1
        for name in ("x", "y", "d", "points", "viewBox", "font-size"):
            if name != "points":  # the head of a wide arrow is wide
                assert len({element.get(name) for element in elements}) == 1


def test_a_value_that_is_used_twice_has_a_sum(load_graph):
    graph = load_graph(
        {
            "x": {"op": "parameter", "value": 3.0},
            "s": {"op": "multiply", "inputs": ["x", "x"]},
            "L": {"op": "add", "inputs": ["s", "x"]},
        },
        loss="L",
    )
    frames = [frame for frame in animated(graph).frames if frame.event.get("from") == "x"]
    assert [float(frame.event["grad"]["x"]) for frame in frames] == [1.0, 4.0, 7.0]
    assert [frame.remark for frame in frames][::2] == [
        "x is used 3 times, and ∂L/∂x is a sum: 1 of 3, so far.",
        "∂L/∂s is already computed, re-use (propagate)! x is used 3 times, and ∂L/∂x is a sum: 3 of 3, now complete.",
    ]
    assert frames[1].sentence == "∂L/∂x = 1 + [∂L/∂s] · x = 1 + [1] · 3 = 4"


def test_an_update_that_is_not_that_of_the_training_says_so(load_graph, own_ops):
    @dagprop.optimizer("half")
    def half(parameter, gradient, *, learning_rate):
        return parameter - learning_rate * gradient / 2

    nodes = {"x": {"op": "parameter", "value": 3.0}, "L": {"op": "multiply", "inputs": ["x", "x"]}}
    plain, other = (load_graph(nodes, loss="L", train={"optimizer": name}) for name in ("sgd", "half"))
    said = animated(plain).frames[-1].remark
    assert said.startswith("With the new values L = ") and "descent" not in said
    assert animated(other).frames[-1].remark == f"{said} This is plain gradient descent; the training goes by half."


def test_a_closed_definition_is_one_step(root):
    graph = dagprop.load(root / "graphs" / "residual.json")
    closed, opened = animated(graph, depth=0), animated(graph, depth=9, limit=1000)
    assert [frame.event["node"] for frame in closed.frames if frame.phase == "forward"] == [
        "first", "block", "logits", "L",
    ]  # fmt: skip
    assert len(opened.frames) > 3 * len(closed.frames)
    for made in (closed, opened):
        last = made.frames[-1].numbers
        np.testing.assert_array_equal(last["L"]["value"], dagprop.backprop(graph).loss)
    done = dagprop.backprop(graph)
    np.testing.assert_array_equal(closed.frames[-1].numbers["first"]["grad"], done.gradients["first/f"])


def test_wrt_leaves_out_what_it_does_not_need(root):
    graph = dagprop.load(root / "graphs" / "four-layer-chain.json")
    slides = [
        re.search(r">(Backward [^<]*)<", slide.decode())
        for slide in dagprop.animate(graph, format="frames", wrt=["w3"])
    ]
    assert [found[1] for found in slides if found] == [f"Backward {number} of 4" for number in range(1, 5)]


def test_frames_are_svg_and_the_same_each_time(root, tmp_path):
    graph = dagprop.load(root / "graphs" / "two-weight-perceptron.json")
    slides = dagprop.animate(graph, tmp_path / "steps", theme="dark")
    names = sorted(path.name for path in (tmp_path / "steps").iterdir())
    assert names[0] == "00-start.svg" and names[-1] == f"{len(slides) - 1}-update.svg"
    assert [(tmp_path / "steps" / name).read_bytes() for name in names] == list(slides)
    assert dagprop.animate(graph, format="frames", theme="dark") == slides
    sizes = {ElementTree.fromstring(slide).get("viewBox") for slide in slides}
    assert len(sizes) == 1 and not any(b"hidden" in slide for slide in slides)
    first = "".join(ElementTree.fromstring(slides[0]).itertext())
    assert first.count("–") > 10 and not re.search(r"= −?0(?![.\d])", first)
    assert "–" not in "".join(ElementTree.fromstring(slides[-1]).itertext())
    assert dagprop.animate(graph)[0] == dagprop.animate(graph)[0]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"path": "x.png"}, "DP011.*|ends in .png"),
        ({"format": "gif"}, "DP011"),
        ({"theme": "blue"}, "DP011"),
        ({"around": "w9"}, "DP104"),
        ({"wrt": ["w9"]}, "DP104"),
        ({"limit": 5}, "DP803"),
        ({"radios": 2}, "DP102"),
    ],
)
def test_what_cannot_be_animated_is_said(root, options, words):
    graph = dagprop.load(root / "graphs" / "four-layer-chain.json")
    with pytest.raises(GraphError, match=words):
        dagprop.animate(graph, **options)


def test_a_graph_without_a_loss_is_refused(load_graph):
    with pytest.raises(GraphError, match="DP206"):
        dagprop.animate(load_graph({"x": {"op": "input", "value": 1}}))


def luminance(colour):
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    """The contrast of two colours, as WCAG 2 defines it."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("name", THEMES)
def test_text_and_frames_can_be_told_from_their_ground(name):
    theme = theme_of(name)
    for fill in (theme.ground, theme.frame_ground, *theme.fills.values()):
        assert min(contrast(theme.ink, fill), contrast(theme.quiet, fill)) >= 4.5
    assert contrast(theme.reused, theme.ground) >= 4.5
    for colour in (theme.chain, theme.reused, *theme.signs.values()):  # the colour of numbers on arrows, too
        assert contrast(colour, theme.ground) >= 4.5
    assert min(contrast(line, theme.ground) for line in theme.lines.values()) >= 3


@pytest.mark.parametrize("end", [(30.0, 0.0), (3.0, 4.0), (0.0, 0.0)])
def test_a_cut_arrow_keeps_its_ends(end):
    parts = cut(((0.0, 0.0), (10.0, 5.0), (20.0, 5.0), end))
    assert (parts.start, parts.end) == ((0.0, 0.0), end)
    assert all(np.isfinite(parts.middle).ravel())
    if end[0] == 30:
        assert np.hypot(*parts.middle[0]) == pytest.approx(10, abs=0.01)
        assert np.hypot(parts.middle[-1][0] - 30, parts.middle[-1][1]) == pytest.approx(10, abs=0.01)


@pytest.mark.parametrize("optimizer", ["sgd", "halved"])
def test_what_the_update_is_not_is_said(own_ops, optimizer):
    dagprop.optimizer("halved")(lambda parameter, gradient: parameter / 2)
    graph = dagprop.load("graphs/smallest-perceptron.json")
    made = animated(replace(graph, train=replace(graph.train, optimizer=optimizer)))
    assert ("the training goes by halved" in made.frames[-1].remark) == (optimizer == "halved")
