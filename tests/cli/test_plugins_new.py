"""``plugins new`` and ``plugins check``, as a new user meets them."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys

import pytest

from tests.conftest import ROOT

PAGE = ROOT / "plugins" / "README.md"
COMMANDS = [
    line
    for block in re.findall(r"```bash\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    for line in block.splitlines()
]
MISH = ("plugins", "new", "mish", "--formula", "x * tanh(log(1 + exp(x)))")


def test_every_command_of_the_tutorial_runs_and_writes_what_is_in_the_folder(tmp_path):
    """They build on each other, in an empty folder."""
    binaries = str(ROOT.joinpath(sys.executable).parent)
    script = "set -e\n" + "\n".join(COMMANDS)
    environment = {"PATH": f"{binaries}:/usr/bin:/bin", "HOME": str(tmp_path), "PYTHONUTF8": "1", "DAGPROP_PLUGINS": ""}
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    for path in sorted(tmp_path.glob("plugins/*.py")):
        if path.stem != "centred":
            assert path.read_text("utf-8") == (ROOT / "plugins" / path.name).read_text("utf-8"), path.name


def test_a_formula_becomes_a_plugin_that_trains(dagprop, tmp_path):
    done = dagprop(*MISH, "--graph", "mish.json", folder=tmp_path)
    assert done.exit_code == 0
    assert "nothing is wrong" in done.out and "dagprop train mish.json --plugin plugins/mish.py" in done.out
    for command in (("train", "-q"), ("derive",), ("draw",), ("check-gradients",)):
        ran = dagprop(command[0], "mish.json", *command[1:], "--plugin", "plugins/mish.py", folder=tmp_path)
        assert ran.exit_code == 0, ran.err


def test_nothing_is_written_over_unless_it_is_asked_for(dagprop, tmp_path):
    assert dagprop(*MISH, folder=tmp_path).exit_code == 0
    assert dagprop(*MISH, folder=tmp_path).exit_code == 0  # the same text is no loss
    path = tmp_path / "plugins/mish.py"
    path.write_text("# mine\n")
    done = dagprop(*MISH, folder=tmp_path)
    assert done.exit_code == 2 and "DP603" in done.err and "--force" in done.err
    assert path.read_text() == "# mine\n"
    assert dagprop(*MISH, "--force", folder=tmp_path).exit_code == 0


@pytest.mark.parametrize("inputs", [("x",), ("x", "w", "v")])
@pytest.mark.parametrize("kind", ["derivative", "pullback"])
@pytest.mark.parametrize("attributes", [(), ("--attribute", "k=2")])
def test_a_template_is_right_as_it_is(dagprop, tmp_path, inputs, kind, attributes):
    options = [option for name in inputs for option in ("--input", name)]
    done = dagprop("plugins", "new", "mine", "--kind", kind, *options, *attributes, folder=tmp_path)
    assert done.exit_code == 0, done.out


def test_a_name_that_dagprop_has_gets_a_name_of_its_own(dagprop, tmp_path):
    done = dagprop("plugins", "new", "relu", "--formula", "max(x, 0)", folder=tmp_path)
    assert done.exit_code == 0
    assert "the op is called my_relu: dagprop has an op relu of its own" in done.out
    named = dagprop("plugins", "new", "relu", "--op", "relu", "--formula", "max(x, 0)", folder=tmp_path)
    assert named.exit_code == 2 and "DP502" in named.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("my plugin",), "starts with no digit"),
        (("p", "--input", "y", "--formula", "y"), "meaning of its own"),
        (("p", "--input", "x", "--input", "x", "--formula", "x"), "given twice"),
        (("p", "--attribute", "inputs=1", "--formula", "x*inputs"), "key of every node"),
        (("p", "--input", "lambda", "--formula", "x"), "cannot be the name"),
        (("p", "--attribute", "k", "--formula", "x*k"), "NAME=NUMBER"),
        (("p", "--attribute", "k=nan", "--formula", "x*k"), "NAME=NUMBER"),
        (("p", "--kind", "pullback", "--formula", "x"), "pullbacks"),
        (("p", "--package", "-", "--formula", "x*x"), "the name of a package"),
        (("p", "--package", "p", "-o", "p.py", "--formula", "x*x"), "give one of them"),
        (("p", "--formula", "sigmid(x)"), 'formula:1: unknown function "sigmid"'),
    ],
)
def test_mistakes_are_told(dagprop, tmp_path, arguments, message):
    done = dagprop("plugins", "new", *arguments, folder=tmp_path)
    assert done.exit_code == 2
    assert message in done.err
    assert not list(tmp_path.iterdir())


def test_a_package_has_an_entry_point_and_tests_that_pass(dagprop, tmp_path):
    done = dagprop(*MISH, "--package", "dagprop-mish", folder=tmp_path)
    assert done.exit_code == 0
    folder = tmp_path / "dagprop-mish"
    text = (folder / "pyproject.toml").read_text("utf-8")
    assert '[project.entry-points."dagprop.plugins"]\nmish = "dagprop_mish"' in text
    environment = {"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q"], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout


def test_the_report_as_json(dagprop, tmp_path):
    (tmp_path / "bad.py").write_text("import nothing_of_this_name\n")
    done = dagprop("plugins", "check", "bad.py", "sigmoid", "--no-speed", "--json", folder=tmp_path)
    assert done.exit_code == 1
    assert done.json["ok"] is False
    bad, good = done.json["reports"]
    assert (bad["ok"], good["ok"], good["kind"], good["name"]) == (False, True, "op", "sigmoid")
    assert bad["checks"][0]["problems"][0]["line"] == 1
    json.dumps(done.json)


@pytest.mark.parametrize(
    "doc", ['ends with "quotes"', 'x"""\nimport os', "a \\ b \\n", "two\n\nparagraphs", "long " * 60]
)
def test_whatever_the_sentence_is_it_stays_a_docstring(dagprop, tmp_path, doc):
    done = dagprop(*MISH, "--doc", doc, folder=tmp_path)
    assert done.exit_code == 0, done.out
    tree = ast.parse((tmp_path / "plugins/mish.py").read_text("utf-8"))
    assert [type(node) for node in tree.body] == [ast.Expr, ast.ImportFrom, ast.FunctionDef, ast.FunctionDef]
    assert ast.get_docstring(tree.body[2]).split()[0] == doc.replace('"""', "'''").split()[0]


def test_an_unknown_name_is_told(dagprop):
    missing = dagprop("plugins", "check", "plugins/nothing.py")
    assert missing.exit_code == 2 and "plugins/nothing.py: there is no such file [DP001]" in missing.err
    done = dagprop("plugins", "check", "sigmiod")
    assert done.exit_code == 2 and 'did you mean "sigmoid"?' in done.err
