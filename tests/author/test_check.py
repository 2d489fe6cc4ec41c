"""The check of plugins: every built-in op and every plugin passes, and each mistake is named where it stands."""

from __future__ import annotations

import pytest

from dagprop.author.check import check_file, check_named
from dagprop.ops.registry import ops
from tests.ops.samples import PLUGINS

HEAD = 'from dagprop import op\n\n\n@op("own")\ndef own(xp, x, *, k=2.0):\n    """D."""\n'
RULE = '\n\n@own.derivative("x")\n'

BAD = {
    # what is wrong: (forward body, rule, line, message)
    "derivative": (
        "return xp.tanh(k * x)",
        "def _(y, k):\n    return 2 * k * (1 - y * y)",
        10,
        "the rule gives 2 times",
    ),
    "a thousandth": ("return xp.tanh(k * x)", "def _(y, k):\n    return 1.001 * k * (1 - y * y)", 10, "1.001 times"),
    "a thousandth somewhere": (
        *("return x * x * k", "def _(xp, x, k):\n    return 2 * k * x * xp.where(x > 2, 1.001, 1.0)", 10),
        "moving the input",
    ),
    "forgets an attribute": ("return k * x * x", "def _(x):\n    return 4.001 * x", 10, "∂y/∂x at x ="),
    "changes its input": ("x += 1\n    return k * x", "def _(k):\n    return k", 7, "changes its input"),
    "rule changes its input": (
        "return k * x * x",
        "def _(x, k):\n    x *= 2 * k\n    return x",
        12,
        "changes its input",
    ),
    "rule changes y": ("return k * x", "def _(y, k):\n    y *= 2\n    return k", 12, "changes y or g"),
    "shape": ("return xp.sum(x)", "def _():\n    return 1", 4, "gives the shape () on inputs of shape 5x3"),
    "shape of the rule": (
        "return k * x",
        "def _(xp, x):\n    return xp.stack([x, x])",
        10,
        "gives the shape (2, 5, 3)",
    ),
    "rule gives None": ("return k * x", "def _():\n    pass", 10, "the derivative rule for x gives a NoneType"),
    "rule gives text": ("return k * x", "def _():\n    return '1'", 10, "the derivative rule for x gives a str"),
    "rule gives a list": ("return k * x", "def _():\n    return [1]", 10, "the derivative rule for x gives a list"),
    "unknown function": ("return xp.expp(x)", "def _():\n    return 1", 7, 'did you mean "exp"?'),
    "fails": ("return k * x", "def _(x):\n    return 1 / None", 12, "the derivative rule for x fails"),
    "depends on values": (
        *("return k * x if x.sum() > 0 else k * x", "def _(k):\n    return k", 4),
        "cannot run on shapes",
    ),
    "overflows": (
        *("return xp.exp(x) / (1 + xp.exp(x))", "def _(y):\n    return y * (1 - y)", 4),
        "the forward rule gives nan at x = 745.2; exact is 1",
    ),
    "not real": ("return k * x + 1j", "def _(k):\n    return k", 4, "no real numbers"),
    "gives None": ("return None", "def _(k):\n    return k", None, "the forward rule"),
}


def check(tmp_path, text):
    path = tmp_path / "own.py"
    path.write_text(text, encoding="utf-8")
    return check_file(str(path), timed=False), str(path)


def problems_of(reports):
    return [problem for report in reports for item in report.items for problem in item.problems if not problem.warning]


@pytest.mark.parametrize("name", ops())
def test_every_built_in_op_passes(name):
    (report,) = check_named(name, timed=False)
    assert report.ok, problems_of([report])
    assert {item.name for item in report.items} >= {"declaration", "shapes", "samples", "derivatives", "formula"}


@pytest.mark.parametrize("path", PLUGINS, ids=lambda path: path.stem)
def test_every_plugin_passes(path):
    reports = check_file(str(path), timed=False)
    assert reports
    assert problems_of(reports) == []


@pytest.mark.parametrize("what", BAD)
def test_what_is_wrong_is_named_with_file_and_line(what, tmp_path):
    body, rule, line, message = BAD[what]
    reports, path = check(tmp_path, HEAD + f"    {body}\n" + RULE + rule + "\n")
    found = problems_of(reports)
    assert not all(report.ok for report in reports)
    hits = [problem for problem in found if message in f"{problem.message} {problem.hint}"]
    assert hits, found
    assert hits[0].file == path
    assert line is None or line in [problem.line for problem in hits]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (HEAD + "    return k * x\n" + RULE + "def _(X):\n    return 1\n", 10, 'unknown "X"'),
        (HEAD.replace("own(xp, x", "own(xp, g") + "    return g\n", 4, '"g" has a meaning of its own'),
        ('from dagprop import op\n\n@op("relu")\ndef own(xp, x):\n    return x\n', 3, "relu"),
        ("import nothing_of_this_name\n", 1, "nothing_of_this_name"),
        ("def broken(:\n", 1, "SyntaxError"),
        ("raise SystemExit(3)\n", 1, "it exits"),
        ("x = 1\n", 1, "it declares no"),
    ],
)
def test_a_file_that_cannot_be_loaded_is_a_report(text, line, message, tmp_path):
    (report,), path = check(tmp_path, text)
    (problem,) = problems_of([report])
    assert (problem.file, problem.line) == (path, line)
    assert message in problem.message


def test_a_missing_rule_and_a_missing_docstring_are_told(tmp_path):
    head = 'from dagprop import op\n\n@op("own")\ndef own(xp, a, b):\n    return a * b\n'
    text = head + '\n@own.derivative("a")\ndef _(b):\n    return b\n'
    (report,), _ = check(tmp_path, text)
    assert not report.ok
    declaration = report.items[0]
    assert [problem.warning for problem in declaration.problems] == [False, True]
    assert 'the input "b" has no derivative rule' in declaration.problems[0].message


@pytest.mark.parametrize(
    ("body", "rule", "message"),
    [
        (
            "return xp.abs(x)",
            "def _(xp, x):\n    return xp.sign(x)",
            "a kink, ∂y/∂x at x = 0: -1 to the left, 1 to the right",
        ),
        (
            "return xp.where(x > 0, x, xp.zeros_like(x))",
            "def _(xp, x):\n    return xp.where(x > 0, 1.0, 0.0)",
            "a kink",
        ),
        ("return xp.tanh(x)", "def _(y):\n    return 1 - y * y", "loses digits"),
        ("return x * xp.pi", "def _(xp):\n    return xp.pi", None),
        ("return xp.where(x > 0, 1.0, 0.0) * x", "def _(xp, x):\n    return xp.where(x > 0, 1.0, 0.0)", "a kink"),
    ],
)
def test_what_is_worth_knowing_is_no_mistake(body, rule, message, tmp_path):
    (report,), _ = check(tmp_path, HEAD + f"    {body}\n" + RULE + rule + "\n")
    assert report.ok
    notes = [problem.message for item in report.items for problem in item.problems]
    assert any(message in note for note in notes) if message else not notes


@pytest.mark.parametrize("steps", [40, 1000])
def test_a_rule_that_repeats_a_step_is_checked_without_its_endless_formula(steps, tmp_path):
    repeat = f"    for _ in range({steps}):\n        "
    body = f"{repeat}x = x * (1 - x)\n    return x\n"
    rule = f"def _(x):\n    d = 1\n{repeat}d, x = d * (1 - 2 * x), x * (1 - x)\n    return d\n"
    (report,), _ = check(tmp_path, HEAD + body + RULE + rule)
    assert report.ok, problems_of([report])
    assert {item.name: item.status for item in report.items}["symbolic derivative"] == "skipped"
