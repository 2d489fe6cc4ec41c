"""Declarations: what an op declares by its arguments, and every way to declare one wrongly."""

from typing import Any, Literal

import pytest

from dagprop import op
from dagprop.errors import PluginError
from dagprop.graph.signature import AttributeSignature, InputSignature
from dagprop.ops import registry

pytestmark = pytest.mark.usefixtures("own_ops")


def declare(rule: Any, name: str = "own") -> Any:
    return op(name)(rule)


def test_the_arguments_of_the_forward_rule_are_the_signature():
    def forward(
        xp,
        a,
        *,
        size,
        b=1.5,
        n=2,
        flag=True,
        mode: Literal["one", "two"] = "one",
        axis: int | tuple[int, ...] | None = 0,
    ):
        """Do nothing."""

    forward.__annotations__["size"] = int
    signature = declare(forward).signature
    assert (signature.name, signature.doc) == ("own", "Do nothing.")
    assert signature.inputs == (InputSignature("a"),)
    assert signature.attributes == (
        AttributeSignature("size", "integer", None, required=True),
        AttributeSignature("b", "number", 1.5),
        AttributeSignature("n", "integer", 2),
        AttributeSignature("flag", "boolean", True),
        AttributeSignature("mode", "string", "one", choices=("one", "two")),
        AttributeSignature("axis", "axes", 0, nullable=True),
    )


def test_inputs_may_be_optional_or_variadic():
    assert declare(lambda xp, a, b=None: a, "first").signature.inputs == (
        InputSignature("a"),
        InputSignature("b", optional=True),
    )
    assert declare(lambda xp, a, *rest: a, "second").signature.inputs == (
        InputSignature("a"),
        InputSignature("rest", variadic=True),
    )


def test_a_rule_asks_for_what_it_names_and_no_more():
    own = declare(lambda x, *, k=2.0: k * x)
    own.derivative("x")(lambda k: k)
    assert (own.arguments, own.rules["x"].arguments) == (("x", "k"), ("k",))


@pytest.mark.parametrize(
    ("name", "rule", "message"),
    [
        ("two words", lambda xp, x: x, "the name of an op has letters"),
        ("1st", lambda xp, x: x, "the name of an op has letters"),
        ("own", abs, "must be a function"),
        ("own", lambda x, xp: x, '"xp" has a meaning of its own'),
        ("own", lambda xp, y: y, '"y" has a meaning of its own'),
        ("own", lambda xp, g: g, '"g" has a meaning of its own'),
        ("own", lambda xp, x, *, inputs=0: x, '"inputs" has the name of a key'),
        ("own", lambda xp, x, **rest: x, "would accept anything"),
        ("own", lambda xp, x, b=1.0: x, 'default of the input "b" is not None'),
        ("own", lambda xp, x, *, k: x, 'attribute "k" has a type'),
        ("own", lambda xp, x, *, k=(1, 2): x, 'attribute "k" has a type'),
    ],
)
def test_wrong_forward_rules(name, rule, message):
    with pytest.raises(PluginError, match=message) as caught:
        declare(rule, name)
    assert caught.value.problems[0].code == "DP503"
    assert name not in registry.ops()


@pytest.mark.parametrize(
    ("kind", "inputs", "rule", "message"),
    [
        ("derivative", [], lambda x: 1, "needs the name of an input"),
        ("derivative", ["k"], lambda x: 1, '"k"\\) names no input'),
        ("derivative", ["left"], lambda lef: 1, 'unknown "lef"'),
        ("derivative", ["left"], lambda g: 1, 'unknown "g"'),
        ("derivative", ["left"], lambda index: 1, 'unknown "index"'),
        ("derivative", ["left"], lambda left, *, k: 1, "an argument with"),
        ("pullback", ["left"], lambda *left: 1, "an argument with"),
        ("pullback", ["right"], lambda g: 1, '"right" has a derivative rule already'),
    ],
)
def test_wrong_derivative_rules(kind, inputs, rule, message):
    own = declare(lambda xp, left, right, *, k=1.0: left)
    own.pullback("right")(lambda g: g)
    with pytest.raises(PluginError, match=message) as caught:
        getattr(own, kind)(*inputs)(rule)
    problem = caught.value.problems[0]
    assert (problem.code, problem.file) == ("DP503", __file__)
    assert problem.line is not None


@pytest.mark.parametrize("name", ["sigmoid", "input", "dense"])
def test_a_name_has_one_provider(name):
    with pytest.raises(PluginError, match="is declared by") as caught:
        declare(lambda xp, x: x, name)
    assert caught.value.problems[0].code == "DP502"


def test_the_same_function_declared_again_replaces_the_first():
    first, second = [declare(lambda xp, x: x) for _ in range(2)]
    assert registry.ops()["own"] is second is not first
