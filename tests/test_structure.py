"""The rules that the code keeps everywhere: who may import whom, how long a file may be, what is never used."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "dagprop"
FILES = sorted(PACKAGE.rglob("*.py"))
ROWS = (
    "record",
    *("errors", "graph", "ops", "plan", "program", "backends", "check", "train"),
    *("explain", "render", "author", "interop", "loading", "api", "cli"),
)
"""The order in which the code is read: a module imports only from rows before its own, and from its own folder."""

LONG_FILES = {"api.py"}
"""The whole Python API stands on one page."""


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def row_of(module: str) -> str:
    """Return the row of a module: of ``dagprop.graph.read`` it is ``graph``; of the package itself it is ""."""
    return [*module.split("."), ""][1]


def imports_of(path: Path) -> list[ast.Import | ast.ImportFrom]:
    return [
        n for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.Import | ast.ImportFrom)
    ]


def imported_modules(path: Path) -> set[str]:
    names = set()
    for statement in imports_of(path):
        if isinstance(statement, ast.Import):
            names.update(alias.name for alias in statement.names)
        elif statement.module == "dagprop":
            names.update(f"dagprop.{alias.name}" for alias in statement.names)
        else:
            names.add(statement.module or "")
    return names


def row_of_file(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", [path for path in FILES if name_of(path) != "__init__.py"], ids=name_of)
def test_imports_go_one_way(path):
    own = ROWS.index(row_of_file(path))
    for module in imported_modules(path):
        if module == "dagprop" or module.startswith("dagprop."):
            row = row_of(module)
            # `from dagprop import __version__` is no row: the package file imports next to nothing by itself.
            assert row == "__version__" or ROWS.index(row) <= own, f"{name_of(path)} imports {module}"


@pytest.mark.parametrize("folder", ["llvm", "scalar", "arrays"])
def test_back_ends_know_nothing_of_each_other(folder):
    """Both make LLVM's language, and only the module that chooses knows both."""
    allowed = {folder} if folder == "llvm" else {folder, "llvm"}
    modules = {module for path in (PACKAGE / "backends" / folder).glob("*.py") for module in imported_modules(path)}
    parts = {module.split(".")[2] for module in modules if module.startswith("dagprop.backends.")}
    assert folder in parts and parts & {"llvm", "scalar", "arrays", "select"} <= allowed


def test_every_file_stands_in_a_row():
    assert {row_of_file(path) for path in FILES} - {"__init__"} <= set(ROWS)


def test_only_topology_imports_networkx():
    found = {name_of(path) for path in FILES for module in imported_modules(path) if module.split(".")[0] == "networkx"}
    type_only = {"graph/records.py"}  # in a TYPE_CHECKING block, for the annotations of to_networkx
    assert found - type_only == {"graph/topology.py"}


def test_graph_does_not_know_numpy():
    found = {name_of(path) for path in FILES for module in imported_modules(path) if module.split(".")[0] == "numpy"}
    assert not {name for name in found if name.startswith(("errors", "graph/", "ops/"))}


@pytest.mark.parametrize(
    "code",
    [
        "import dagprop",
        "import dagprop.cli.main",
        "import sys; sys.argv = ['dagprop', '--help']; from dagprop.cli.main import main; main()",
        "import sys; sys.argv = ['dagprop', '--version']; from dagprop.cli.main import main; main()",
    ],
    ids=["import", "import-cli", "help", "version"],
)
def test_start_is_light(code):
    script = (
        "import atexit, sys\n"
        "atexit.register(lambda: print('LOADED', sorted({'numpy', 'networkx'} & set(sys.modules)), file=sys.stderr))\n"
        + code
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "LOADED []" in done.stderr


def test_training_starts_without_what_explains_and_draws():
    script = (
        "import sys, dagprop\n"
        "dagprop.train(dagprop.load('graphs/line.json'), epochs=1)\n"
        "print(sorted({'.'.join(name.split('.')[:2]) for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=PACKAGE.parent
    )
    loaded = set(ast.literal_eval(done.stdout))
    assert "dagprop.train" in loaded
    assert not loaded & {"dagprop.explain", "dagprop.check", "dagprop.render", "dagprop.interop", "networkx"}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_files_are_short(path):
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= 300 or name_of(path) in LONG_FILES, f"{lines} lines: one idea per file"


def public_definitions(path: Path) -> list[ast.FunctionDef | ast.ClassDef]:
    """Return the public functions and classes of a module, and the public methods of these classes."""
    found = []
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            found.append(node)
            inner = node.body if isinstance(node, ast.ClassDef) else []
            found += [item for item in inner if isinstance(item, ast.FunctionDef) and not item.name.startswith("_")]
    return found


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_what_is_public_is_described(path):
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or not path.read_text(), "the module"
    missing = [node.name for node in public_definitions(path) if not ast.get_docstring(node)]
    assert not missing


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_no_code_is_made_of_data(path):
    # Plugins are code that the user names; an array program and the start of a record are text of our own making, in
    # which names are those of our own code, or only comments.
    own = ("ops/plugins.py", "backends/arrays/program.py", "record.py")
    allowed = {"exec", "compile"} if name_of(path) in own else set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert not called & {"eval", "exec", "compile", "__import__"} - allowed
    assert not {module.split(".")[0] for module in imported_modules(path)} & {"pickle", "marshal", "shelve", "dill"}
