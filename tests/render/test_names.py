"""How nodes are written in mathematics."""

import pytest

from dagprop.graph.records import Node
from dagprop.render.mathematics import safe_mathematics
from dagprop.render.names import Names, by_id


@pytest.mark.parametrize(
    ("id", "latex"),
    [
        ("x", "x"),
        ("w1", "w_{1}"),
        ("w_12", "w_{12}"),
        ("y_hat", r"\hat{y}"),
        ("y_hat_1", r"\hat{y}_{1}"),
        ("theta", r"\theta"),
        ("theta1", r"\theta_{1}"),
        ("eta", r"\mathit{eta}"),
        ("loss", r"\mathit{loss}"),
        ("loss_bar", r"\overline{\mathit{loss}}"),
        ("f_out", r"f_{\text{out}}"),
        ("w_i_2", "w_{i,2}"),
        ("hidden/w", r"w_{\text{hidden}}"),
        ("hidden_1/w2", r"w_{2,\text{hidden\_1}}"),
        ("net/l1/xw", r"\mathit{xw}_{\text{net/l1}}"),
        ("_", r"\text{\_}"),
        ("a2b", r"\text{a2b}"),
    ],
)
def test_ids(id, latex):
    assert by_id(id).text == latex


@pytest.mark.parametrize(
    ("tex", "latex"),
    [
        (r"\hat y", r"\hat{y}"),
        ("w_1", "w_{1}"),
        ("w^{(1)}_{ij}", "w_{ij}^{(1)}"),
        ("θ_1", r"\theta_{1}"),
        ("x''", r"x^{\prime\prime}"),
        (r"\mathcal{L}", r"\mathcal{L}"),
        (r"\alpha x", r"\alpha x"),
        (r"w_\text{out}", r"w_{\text{out}}"),
        (r"\operatorname{net}", r"\text{net}"),
        (r"\frac12", r"\frac{1}{2}"),
    ],
)
def test_safe_mathematics_is_written_in_one_way(tex, latex):
    assert safe_mathematics(tex).text == latex


@pytest.mark.parametrize(
    "tex",
    [
        *(
            "",
            " ",
            "a^b^c",
            "a_b_c",
            "a'^2",
            "a^2'",
            "x_",
            "{a",
            "a}",
            "{}",
            "x^{}",
            "$x$",
            "a&b",
            "a%b",
            "#1",
            "~",
            "文",
        ),
        *(
            r"\input{a}",
            r"\def\a{b}",
            r"\href{a}{b}",
            "^^5cinput",
            "^^41",
            r"\left(",
            r"\frac{a}",
            "\\",
            r"x\\y",
            r"\begin{a}",
        ),
        *(
            r"\text{<}",
            r"\text{$x$}",
            r"\text",
            r"\text{a",
            r"\write18{ls}",
            "{" * 20 + "x" + "}" * 20,
            "x" * 300,
            "<script>",
            "a<b",
            '"x"',
        ),
    ],
)
def test_everything_else_is_refused(tex):
    assert safe_mathematics(tex) is None


def test_a_name_in_a_definition_says_where_it_stands():
    nodes = {
        "hidden/w": Node("hidden/w", "parameter", tex="w", origin=("hidden",)),
        "hidden/b": Node("hidden/b", "parameter", tex="b_0", origin=("hidden",)),
        "hidden/xw": Node("hidden/xw", "matmul", tex=r"x \cdot w", origin=("hidden",)),
    }
    names = Names(nodes)
    assert names("hidden/w").text == r"w_{\text{hidden}}"
    assert names("hidden/b").text == r"{b_{0}}_{\text{hidden}}"
    assert names("hidden/xw").text == r"\mathit{xw}_{\text{hidden}}"


def test_nodes_do_not_look_the_same():
    nodes = {"w1": Node("w1", "parameter", tex="w_1"), "w_1": Node("w_1", "parameter"), "y": Node("y", "input")}
    assert [Names(nodes)(id).text for id in nodes] == ["w_{1}", r"\text{w\_1}", "y"]


def test_outputs_and_the_learning_rate():
    names = Names({"split": Node("split", "split"), "s": Node("s", "split", tex="s_1")})
    assert names("split:1").text == r"\mathit{split}_{:1}"
    assert names("s:2").text == "{s_{1}}_{:2}"
    assert names("η").text == r"\eta"


def test_mathematics_of_several_symbols_is_put_in_brackets():
    names = Names({"p": Node("p", "multiply", tex=r"w \cdot x")})
    assert names.tight("p") == r"\left(w\cdot x\right)"
