"""Plugins come in when something of theirs is needed: lazily, alone, and never silently."""

import sys
from dataclasses import replace

import pytest

from dagprop.errors import MissingDependencyError, PluginError
from dagprop.ops.declared import declared
from dagprop.ops.providers.known import known_plugins
from dagprop.ops.providers.memory import memory_file, remembered
from dagprop.ops.providers.provide import load_known, provide
from dagprop.ops.providers.register import add_plugin, find_plugin, remove_plugin
from dagprop.ops.providers.requirements import lacking_plugin
from dagprop.ops.registry import ops
from tests.plugin_files import BAD, DOUBLE, GOOD, install, write

pytestmark = pytest.mark.usefixtures("own_ops", "plugins_in_use")

TRIPLE = DOUBLE.format(name="triple", factor=3)


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Install packages into a folder of this test; gives the function that does."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    before = set(sys.modules)
    yield lambda text=GOOD, **names: install(folder, text, **names)
    for name in [name for name in sys.modules if name not in before and name.startswith("own")]:
        del sys.modules[name]


def statuses():
    return {known.plugin.name: known.status for known in known_plugins()}


def test_a_registered_file_is_loaded_when_its_op_is_needed(tmp_path):
    first, second = write(tmp_path, GOOD, "a.py"), write(tmp_path, TRIPLE, "b.py")
    add_plugin(first)
    add_plugin(second)
    assert not {"double", "triple"} & ops().keys()
    assert provide(["triple"]).loaded == ["triple"]
    assert "double" not in ops() and ops()["triple"].forward(None, 2) == 6


def test_one_load_serves_all_that_a_plugin_has(tmp_path):
    add_plugin(write(tmp_path, GOOD + TRIPLE.replace("rule", "other")))
    assert provide(["triple", "double"]).loaded == ["triple", "double"]


def test_kinds_have_names_of_their_own(tmp_path):
    add_plugin(write(tmp_path))
    assert provide(["double"], ("metric",)).loaded == []
    assert provide(["double"], ("definition", "op")).loaded == ["double"]


def test_a_changed_file_is_not_run_until_it_is_accepted(tmp_path):
    path = write(tmp_path)
    add_plugin(path)
    write(tmp_path, GOOD + "# changed\n")
    result = provide(["double"])
    assert not result.loaded and "double" not in ops() and statuses() == {"own": "changed"}
    assert "its file has changed" in result.hints["double"] and f"dagprop plugins add {path}" in result.hints["double"]
    add_plugin(path)
    assert provide(["double"]).loaded == ["double"]


def test_a_removed_plugin_is_remembered(tmp_path):
    path = write(tmp_path)
    add_plugin(path)
    remove_plugin("own")
    result = provide(["double"])
    assert not result.loaded and f"it was removed: dagprop plugins add {path}" in result.hints["double"]
    assert statuses() == {"own": "removed"}


def test_commands_that_are_suggested_can_be_typed(tmp_path, monkeypatch):
    add_plugin(write(tmp_path, GOOD, "my plugins/of mine.py"))
    remove_plugin("of mine")
    assert provide(["double"]).hints["double"].endswith(f"dagprop plugins add '{tmp_path}/my plugins/of mine.py'")
    write(tmp_path, TRIPLE, "plugins/and more.py")
    monkeypatch.chdir(tmp_path)
    assert provide(["triple"]).hints["triple"].endswith("add --plugin 'plugins/and more.py'")


def test_a_file_that_is_gone_is_named_and_can_be_forgotten(tmp_path):
    path = write(tmp_path)
    add_plugin(path)
    (tmp_path / "own.py").unlink()
    assert "its file is not there any more" in provide(["double"]).hints["double"]
    assert remove_plugin("own").status == "missing"
    assert remembered() == ()


def test_a_plugin_that_fails_when_it_is_needed_stops_only_who_needs_it(tmp_path):
    helper = tmp_path / "helper.txt"
    helper.write_text("2")
    add_plugin(write(tmp_path, f"open({str(helper)!r})\n" + GOOD, "a.py"))
    add_plugin(write(tmp_path, TRIPLE, "b.py"))
    helper.unlink()
    result = provide(["double", "triple"])
    assert result.loaded == ["triple"]
    (problem,) = result.problems
    assert (problem.file, problem.line) == (str(tmp_path / "a.py"), 1) and "FileNotFoundError" in problem.message
    assert "could not be loaded" in result.hints["double"]


@pytest.mark.parametrize("kind", BAD)
def test_what_is_broken_is_not_registered(tmp_path, monkeypatch, kind):
    monkeypatch.setenv("DAGPROP_PLUGIN_SECONDS", "1")
    text, line, _ = BAD[kind]
    path = write(tmp_path, text)
    with pytest.raises(PluginError) as caught:
        add_plugin(path)
    assert (caught.value.problems[0].file, caught.value.problems[0].line) == (path, line)
    assert remembered() == ()


def test_a_second_provider_of_a_name_is_refused(tmp_path):
    first, second = write(tmp_path, GOOD, "a.py"), write(tmp_path, GOOD, "b.py")
    add_plugin(first)
    with pytest.raises(PluginError, match=r"is declared by b .* and by a ") as caught:
        add_plugin(second)
    assert caught.value.problems[0].code == "DP502" and "dagprop plugins remove a" in str(caught.value)
    remove_plugin("a")
    add_plugin(second)
    assert statuses() == {"a": "removed", "b": "ok"}


def test_a_layer_and_an_op_share_their_names(tmp_path):
    (tmp_path / "double.json").write_text(
        '{"inputs": ["x"], "nodes": {"f": {"op": "add", "inputs": ["x", "x"]}}, "outputs": ["f"]}'
    )
    add_plugin(write(tmp_path, GOOD, "a.py"))
    with pytest.raises(PluginError, match='definition "double" is declared by'):
        add_plugin(write(tmp_path, 'from dagprop import definition\ndefinition("double.json")\n', "b.py"))


def test_two_providers_at_once_are_an_error_that_names_both(tmp_path, installed):
    path = write(tmp_path, GOOD, "a.py")
    add_plugin(path)
    installed()
    known_plugins()  # the package is seen: now both are known
    conflict = provide(["double"]).conflicts["double"]
    assert conflict.code == "DP502" and path in conflict.message
    assert "own (the package own-package 1.0)" in conflict.message and "double" not in ops()


def test_an_installed_package_is_found_without_a_further_step(installed):
    file = installed()
    assert provide(["double"]).loaded == ["double"]
    assert declared("op")["double"].provider == file
    assert [plugin.declares for plugin in remembered()] == [{"op": {"double": "Twice x."}}]


def test_an_installed_package_is_tried_once_and_again_when_it_changes(tmp_path, installed, monkeypatch):
    tried = []
    from dagprop.ops.providers import probe

    monkeypatch.setattr(probe, "probe_all", lambda plugins, all=probe.probe_all: tried.extend(plugins) or all(plugins))
    file = installed()
    assert statuses() == statuses() == {"own": "ok"} and len(tried) == 1
    with open(file, "a") as stream:
        stream.write(TRIPLE.replace("rule", "other"))
    assert provide(["triple"]).loaded == ["triple"] and len(tried) == 2


def test_a_broken_package_is_skipped_and_named(installed, tmp_path):
    installed(GOOD + "1 / 0\n", module="own_broken", plugin="broken")
    installed(TRIPLE)
    assert statuses() == {"broken": "broken", "own": "ok"}
    assert provide(["triple"]).problems == []
    result = provide(["double"])
    (problem,) = result.problems
    assert problem.warning and "ZeroDivisionError" in problem.message and "own_broken.py" in problem.message


def test_a_package_is_switched_off_and_on(installed):
    installed()
    assert remove_plugin("own-package").plugin.distribution == "own-package"
    result = provide(["double"])
    assert "it is switched off: dagprop plugins add own-package" in result.hints["double"] and "double" not in ops()
    assert [plugin.name for plugin in add_plugin("own_package")] == ["own"]
    assert provide(["double"]).loaded == ["double"]


def test_a_package_that_is_uninstalled_is_remembered(installed, tmp_path):
    import shutil

    installed()
    known_plugins()
    shutil.rmtree(tmp_path / "site")
    (tmp_path / "site").mkdir()
    assert "not installed any more: pip install own-package" in provide(["double"]).hints["double"]
    with pytest.raises(MissingDependencyError, match="pip install own-package"):
        add_plugin("own-package")


@pytest.mark.parametrize(
    ("choice", "loaded"),
    [("", []), ("a", ["double"]), ("b", ["triple"]), ("a,b", ["double", "triple"]), ("b:a.py", ["triple"])],
)
def test_the_environment_says_which_plugins_may_be_used(tmp_path, monkeypatch, choice, loaded):
    add_plugin(write(tmp_path, GOOD, "a.py"))
    add_plugin(write(tmp_path, TRIPLE, "b.py"))
    monkeypatch.setenv("DAGPROP_PLUGINS", choice)
    result = provide(["double", "triple"])
    assert result.loaded == loaded
    for name in {"double", "triple"} - set(loaded):
        assert "DAGPROP_PLUGINS does not name it" in result.hints[name]
    named = [problem.message for problem in result.problems]
    assert named == (['DAGPROP_PLUGINS names the file "a.py", which is not there'] if "a.py" in choice else [])


def test_the_environment_may_name_files_that_are_not_registered(tmp_path, monkeypatch):
    path = write(tmp_path)
    monkeypatch.setenv("DAGPROP_PLUGINS", path)
    assert provide(["double"]).loaded == ["double"]
    assert remembered() == ()


def test_a_name_in_the_environment_that_is_no_plugin_is_told(tmp_path, monkeypatch):
    add_plugin(write(tmp_path))
    monkeypatch.setenv("DAGPROP_PLUGINS", "onw")
    (problem,) = provide(["double"]).problems
    assert problem.warning and problem.hint == 'did you mean "own"?'


@pytest.mark.parametrize("near", ["duoble", "Double"])
def test_near_misses_are_suggested(tmp_path, monkeypatch, near):
    add_plugin(write(tmp_path))
    assert provide([near]).hints[near].startswith('did you mean "double"? It is in the plugin own (')
    remove_plugin("own")
    write(tmp_path, TRIPLE, "plugins/more.py")
    monkeypatch.chdir(tmp_path)
    assert provide(["tripel"]).hints["tripel"] == (
        'did you mean "triple"? It is in the plugin plugins/more.py: add --plugin plugins/more.py'
    )
    assert provide(["triple"]).hints["triple"] == "it is in the plugin plugins/more.py: add --plugin plugins/more.py"
    assert provide(["rleu"]).hints == {}  # whoever knows the built-in ops suggests relu


def test_a_broken_memory_is_one_problem_and_stops_nothing_else(tmp_path):
    memory_file().write_text("{")
    result = provide(["double"])
    assert [problem.code for problem in result.problems] == ["DP506"] and not result.loaded


def test_loading_all_leaves_out_what_is_there_already(tmp_path):
    from dagprop.ops.plugins import load_plugin

    path = write(tmp_path)
    add_plugin(path)
    add_plugin(write(tmp_path, TRIPLE, "b.py"))
    load_plugin(path)
    before = ops()["double"]
    assert load_known(known_plugins()) == []
    assert ops()["double"] is before and "triple" in ops()


def test_loading_all_names_what_cannot_be(tmp_path):
    add_plugin(write(tmp_path))
    known = known_plugins()
    write(tmp_path, "changed = 1")
    assert "has changed" in str(load_known(known)[0])
    assert "has changed" in str(load_known(known_plugins())[0])
    assert load_known([replace(known[0], status="removed")]) == []


def test_requirements(tmp_path, installed, monkeypatch):
    from dagprop.ops.plugins import load_plugin

    monkeypatch.chdir(tmp_path)
    path = write(tmp_path)
    assert "dagprop plugins add own.py" in lacking_plugin("own")[1]
    add_plugin(path)
    assert lacking_plugin("own") is None and "double" not in ops()
    remove_plugin("own")
    what, remedy = lacking_plugin("own")
    assert "it was removed" in what and remedy == f"dagprop plugins add {path}"
    load_plugin(path)
    assert lacking_plugin("own") is None
    installed(TRIPLE, module="own_triple", plugin="triple")
    assert lacking_plugin("triple") is None and lacking_plugin("own-triple") is None
    assert "neither loaded nor registered" in lacking_plugin("other")[0]


@pytest.mark.parametrize(
    ("argument", "error", "message"),
    [
        ("nowhere.py", PluginError, "is not there"),
        (".", PluginError, "is a folder"),
        ("own-packag", MissingDependencyError, 'did you mean "own-package"?'),
        ("zzzzz", MissingDependencyError, "pip install zzzzz"),
        ("numpy", PluginError, "has no plugin: no entry point of dagprop.plugins"),
        ("near", MissingDependencyError, "dagprop plugins add near.py"),
    ],
)
def test_what_cannot_be_added_says_why(tmp_path, installed, monkeypatch, argument, error, message):
    installed()
    write(tmp_path, TRIPLE, "near.py")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=message.replace("?", r"\?")):
        add_plugin(argument)


def test_plugins_are_found_by_name_file_and_package(tmp_path, installed, monkeypatch):
    path = write(tmp_path, TRIPLE, "own.py")
    add_plugin(path)
    assert find_plugin("own").plugin.file == find_plugin(path).plugin.file == path
    installed()
    assert find_plugin("Own_Package").plugin.distribution == "own-package"
    with pytest.raises(PluginError, match="several plugins are called"):
        find_plugin("own")
    with pytest.raises(PluginError, match='did you mean "own"'):
        find_plugin("owm")


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ("[dagprop.plugins]\nown = own_package:thing\n", {"own": "ok"}),
        ("[dagprop.plugins]\nown = not a module!\n", {"own": "broken"}),
        ("[dagprop.plugins]\nown = own_nothing\n", {"own": "broken"}),
        ("[other.plugins]\nown = own_package\n", {}),
    ],
)
def test_records_of_packages_that_are_odd(tmp_path, installed, records, expected):
    installed()
    (record,) = (tmp_path / "site").glob("*.dist-info")
    (record / "entry_points.txt").write_text(records)
    assert statuses() == expected


def test_a_file_in_the_working_folder_does_not_stand_in_for_a_module(tmp_path, monkeypatch):
    write(tmp_path, "raise SystemExit\n", "json.py")
    monkeypatch.chdir(tmp_path)
    assert [plugin.name for plugin in add_plugin(write(tmp_path))] == ["own"]


def test_a_link_is_a_plugin_of_its_own_name(tmp_path):
    write(tmp_path, name="real.py")
    (tmp_path / "link.py").symlink_to(tmp_path / "real.py")
    (added,) = add_plugin(str(tmp_path / "link.py"))
    assert (added.name, dict(added.declares)) == ("link", {"op": {"double": "Twice x."}})
    assert provide(["double"]).loaded == ["double"]


def test_of_several_that_have_a_name_the_one_that_is_wanted_is_told_and_accepted_by_its_name(tmp_path):
    add_plugin(write(tmp_path, name="a.py"))
    remove_plugin("a")
    path = write(tmp_path, name="b.py")
    add_plugin(path)
    write(tmp_path, GOOD + "# changed\n", "b.py")
    assert f"b ({path}) has it, but its file has changed" in provide(["double"]).hints["double"]
    add_plugin("b")
    assert provide(["double"]).loaded == ["double"]
