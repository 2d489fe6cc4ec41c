"""What is needed and not there is looked for in plugins: the one that has it is loaded, or said to have it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import field, replace
from typing import TYPE_CHECKING

from dagprop.errors import DagpropError, PluginError, Problem, nearest, quote
from dagprop.ops.declared import GRAPH_KINDS, KINDS, Kind, declared
from dagprop.ops.plugins import Origin, load_module, load_plugin, origin_of
from dagprop.ops.providers.nearby import declared_nearby
from dagprop.record import record

if TYPE_CHECKING:
    from dagprop.ops.providers.known import Known


@record
class Provided:
    """What came of looking for names in plugins.

    Attributes
    ----------
    loaded : list of str
        The names that are there now.
    hints : dict from str to str
        For names that are not: who has them, or what was meant, and what to do.
    conflicts : dict from str to Problem
        For names that two plugins have: the error that names both.
    problems : list of Problem
        What is wrong with plugins.
    """

    loaded: list[str] = field(default_factory=list)
    hints: dict[str, str] = field(default_factory=dict)
    conflicts: dict[str, Problem] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def add(self, more: Provided) -> None:
        """Take in what came of looking for further names."""
        self.loaded.extend(more.loaded)
        self.hints.update(more.hints)
        self.conflicts.update(more.conflicts)
        self.problems.extend(problem for problem in more.problems if problem not in self.problems)

    def hint(self, name: str) -> str | None:
        """Return all that is known of a name that is still unknown, in a sentence."""
        conflict = self.conflicts.get(name)
        if conflict is not None:
            return f"{conflict.message}: {conflict.hint}"
        reasons = [str(problem).partition("\n")[0] for problem in self.problems if not problem.warning]
        return ": ".join([self.hints[name], *reasons]) if name in self.hints else None

    def explain(self, problem: Problem) -> Problem:
        """Return the problem of an unknown name with what is known of it now."""
        name = problem.unknown or ""
        if name in self.conflicts:
            conflict = self.conflicts[name]
            return replace(problem, code=conflict.code, message=conflict.message, hint=conflict.hint)
        return replace(problem, hint=self.hints.get(name, problem.hint))


def provide(names: Iterable[str], kinds: Sequence[Kind] = GRAPH_KINDS, near: str | None = None) -> Provided:
    """Load what plugins have of the names that nothing declares so far, each plugin alone.

    Parameters
    ----------
    names : iterable of str
    kinds : sequence of str
        As what they are needed.
    near : str, optional
        A graph file, near which files are searched for a hint.

    Returns
    -------
    Provided
        Nothing is raised for what a plugin may do.
    """
    from dagprop.ops.providers.known import choice_problems, known_plugins, known_quickly  # few graphs lack anything

    result = Provided()
    wanted = list(dict.fromkeys(names))
    try:
        plugins: list[Known] = known_quickly()
        if not all(_is_one_file(_having(name, kinds, plugins)) for name in wanted):
            plugins = known_plugins()
            result.problems.extend(choice_problems(plugins))
    except PluginError as error:
        plugins = []
        result.problems.extend(error.problems)
    nearby = None
    for name in wanted:
        if is_declared(name, kinds):  # a plugin that was loaded for another name has brought it
            result.loaded.append(name)
            continue
        having = _having(name, kinds, plugins)
        usable = [known for known in having if known.status == "ok"]
        if len(usable) == 1:
            _load_for(name, kinds, usable[0], result)
        elif usable:
            first, *others = usable
            message = f"{kinds[0]} {quote(name)} is declared by {first.plugin} and by {others[0].plugin}"
            hint = f"switch one off: {others[0].plugin.remove_command}"
            result.conflicts[name] = Problem("DP502", message, hint)
        elif having:
            known = min(having, key=lambda known: known.status == "removed")  # what is wanted is said first
            result.hints[name] = f"the plugin {known.plugin} has it, but {_short(known.why)}: {known.remedy}"
        else:
            nearby = declared_nearby(kinds, near) if nearby is None else nearby
            near_miss = _near_miss(name, kinds, plugins, nearby)
            if near_miss:
                result.hints[name] = near_miss
    result.problems.extend(_broken(plugins) if set(wanted) - set(result.loaded) - set(result.conflicts) else ())
    return result


def load_known(plugins: Iterable[Known]) -> list[Problem]:
    """Load whole plugins, each alone, and return what is wrong with those that cannot be."""
    problems: list[Problem] = []
    for known in plugins:
        if known.status in ("changed", "missing", "broken"):
            message = f"the plugin {known.plugin} is left out: {_short(known.why)}"
            problems.append(Problem("DP501", message, known.remedy, file=known.plugin.file))
        elif known.status == "ok" and not _is_loaded(known):
            problems += _load(known)
    return problems


def is_declared(name: str, kinds: Iterable[Kind]) -> bool:
    """Whether something of one of these kinds has the name."""
    return any(name in declared(kind) for kind in kinds)


def _is_loaded(known: Known) -> bool:
    """Whether the very same plugin has been loaded, by ``--plugin`` or because something of it was needed."""
    for kind in KINDS:
        for name in known.plugin.declares.get(kind, ()):
            found = declared(kind).get(name)
            origin = origin_of(found) if found is not None else None
            if origin is not None and (origin.plugin, origin.distribution) == (
                known.plugin.name,
                known.plugin.distribution,
            ):
                return True
    return False


def _having(name: str, kinds: Iterable[Kind], plugins: Iterable[Known]) -> list[Known]:
    return [known for known in plugins if any(name in known.plugin.declares.get(kind, ()) for kind in kinds)]


def _is_one_file(having: Sequence[Known]) -> bool:
    """Whether what is remembered is enough: what else is installed need not be asked for, which takes longer."""
    return len(having) == 1 and having[0].plugin.file is not None


def _load_for(name: str, kinds: Sequence[Kind], known: Known, result: Provided) -> None:
    problems = _load(known)
    if is_declared(name, kinds):
        result.loaded.append(name)
    elif problems:
        result.problems.extend(problems)
        result.hints[name] = f"the plugin {known.plugin} has it, but could not be loaded"
    else:
        result.hints[name] = f"the plugin {known.plugin} had it once: dagprop plugins show {known.plugin.name}"


def _load(known: Known) -> list[Problem]:
    plugin = known.plugin
    try:
        if plugin.file:
            load_plugin(plugin.file, plugin.sha256)
        else:
            from dagprop.ops.providers.installed import module_file

            origin = Origin(plugin.name, None, plugin.distribution, plugin.version)
            load_module(str(plugin.module), origin, module_file(str(plugin.module)))
    except DagpropError as error:
        return list(error.problems)
    return []


def _near_miss(name: str, kinds: Sequence[Kind], plugins: Sequence[Known], nearby: dict[str, str]) -> str | None:
    """Return a hint where a plugin that is not loaded, or a file nearby, has this name or one like it."""
    add = "dagprop plugins add" if "command" in kinds else "add --plugin"
    if name in nearby:
        return f"it is in the plugin {nearby[name]}: {add} {shlex.quote(nearby[name])}"
    theirs = {
        found: known.plugin for known in plugins for kind in kinds for found in known.plugin.declares.get(kind, ())
    }
    own = [found for kind in kinds for found in declared(kind)]
    near = nearest(name, [*own, *theirs, *nearby])
    if near is None or near in own:
        return None  # who asks knows by themselves what is declared
    place = theirs[near] if near in theirs else f"{nearby[near]}: {add} {shlex.quote(nearby[near])}"
    return f"did you mean {quote(near)}? It is in the plugin {place}"


def _broken(plugins: Iterable[Known]) -> list[Problem]:
    """Return warnings of plugins that may have what is missing, but cannot be asked."""
    return [
        Problem("DP501", f"the plugin {known.plugin} is left out: {_short(known.why)}", known.remedy, warning=True)
        for known in plugins
        if known.status == "broken"
    ]


def _short(why: str) -> str:
    return why.partition("\n")[0]
