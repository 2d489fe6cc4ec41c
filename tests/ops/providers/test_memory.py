"""The file of registered plugins: written, read, broken."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from dagprop.errors import PluginError
from dagprop.ops.providers.memory import Plugin, forget_plugin, memory_file, remember, remembered

FILE = Plugin("own", "/plugins/own.py", sha256="ab", declares={"op": {"double": "Twice x."}, "command": {"count": ""}})
PACKAGE = Plugin("own", None, "own-package", "1.0", "own_package", "cd", {"op": {"half": ""}}, False, "it exits")


def test_what_is_remembered_is_read_back():
    remember([FILE])
    remember([PACKAGE])
    assert remembered() == (FILE, PACKAGE)
    newer = Plugin("own", "/plugins/own.py", sha256="ef")
    remember([newer])
    assert remembered() == (newer, PACKAGE)
    forget_plugin(newer)
    assert remembered() == (PACKAGE,)


def test_the_same_plugins_are_the_same_bytes():
    remember([PACKAGE, FILE])
    before = memory_file().read_bytes()
    remember([FILE, PACKAGE])
    assert memory_file().read_bytes() == before
    assert [path.name for path in memory_file().parent.iterdir()] == ["plugins.json"]


def test_the_folder_is_the_users_unless_it_is_named(monkeypatch, tmp_path):
    import platformdirs

    assert memory_file().parent != tmp_path
    monkeypatch.setenv("DAGPROP_CONFIG_DIR", str(tmp_path))
    assert memory_file() == tmp_path / "plugins.json"
    monkeypatch.setenv("DAGPROP_CONFIG_DIR", "")
    monkeypatch.setattr(platformdirs, "user_config_dir", lambda name, **_: str(tmp_path / "user" / name))
    assert memory_file() == tmp_path / "user" / "dagprop" / "plugins.json"


def one(**entry):
    return json.dumps({"version": 1, "plugins": [{"name": "own", "file": "/own.py", **entry}]})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Expecting value"),
        ("{", "Expecting"),
        ("[]", '"version" is not 1'),
        ('{"version": 2}', '"version" is not 1'),
        ('{"version": 1, "plugins": 3}', '"plugins" is no list'),
        ('{"version": 1, "plugins": [3]}', "no object with a name"),
        ('{"version": 1, "plugins": [{"name": "own"}]}', "no source"),
        (one(enabled="yes"), "no source, or is neither enabled nor not"),
        (one(sha256=3), '"sha256" of the entry "own"'),
        (one(declares=[]), '"declares" of the entry "own"'),
        (one(declares={"op": ["double"]}), '"declares" of the entry "own"'),
        ("[" * 100_000, ""),
        (b"\xff\xff".decode("latin-1"), ""),
    ],
)
def test_a_broken_file_is_an_error_that_says_what_to_do(configuration, text, message):
    memory_file().write_text(text, encoding="latin-1")
    with pytest.raises(PluginError) as caught:
        remembered()
    problem = caught.value.problems[0]
    assert problem.code == "DP506" and problem.file == str(memory_file()) and message in problem.message
    assert "delete it" in problem.hint
    with pytest.raises(PluginError):
        remember([FILE])
    assert memory_file().read_text(encoding="latin-1") == text


def test_kinds_of_later_versions_are_left_out():
    memory_file().write_text(one(declares={"op": {"double": ""}, "telescope": {"hubble": ""}}, mass=3))
    assert remembered() == (Plugin("own", "/own.py", declares={"op": {"double": ""}}),)


def test_a_folder_that_cannot_be_written_is_an_error(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DAGPROP_CONFIG_DIR", str(tmp_path / "file" / "folder"))
    with pytest.raises(PluginError):
        remember([FILE])
    monkeypatch.setenv("DAGPROP_CONFIG_DIR", "/proc/nothing/can/be/here")
    with pytest.raises(PluginError, match="cannot be written") as caught:
        remember([FILE])
    assert caught.value.problems[0].code == "DP603" and "DAGPROP_CONFIG_DIR" in str(caught.value)


def test_what_is_remembered_at_once_is_all_remembered():
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: remember([Plugin(f"p{number}", f"/p{number}.py")]), range(24)))
    assert len(remembered()) == 24
