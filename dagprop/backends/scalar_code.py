"""The loop of an epoch around a program of single numbers, in LLVM's language: parameters stay in registers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from dagprop.backends.llvm_code import EXPONENTIAL, TYPES, declarations, number, straight_code
from dagprop.backends.llvm_exponential import exponential_text
from dagprop.backends.scalar_updates import ScalarUpdate
from dagprop.program.records import Program
from dagprop.record import record

EPOCH_SIGNATURE = ("epoch", "pppppppiiii")
EVALUATE_SIGNATURE = ("evaluate", "pp")


@record(eq=False)
class Roles:
    """What the values of a program are to the training.

    Attributes
    ----------
    leaves : tuple of str
        The leaves that are no samples, and the coefficients that stay: those that change first, in the order in which
        they lie in memory.
    sampled : tuple of str
        The inputs with samples.
    loss : int
    gradients : mapping from parameter to int
    memories : tuple of str
        What is remembered for the parameters.
    varying : tuple of str
        The coefficients that each step has its own of.
    updates : mapping from state to int
        The value that replaces it.
    compared : tuple of int
        The prediction and the target, or nothing.
    """

    leaves: tuple[str, ...]
    sampled: tuple[str, ...]
    loss: int
    gradients: Mapping[str, int]
    memories: tuple[str, ...]
    varying: tuple[str, ...]
    updates: Mapping[str, int]
    compared: tuple[int, ...]

    @property
    def changing(self) -> tuple[str, ...]:
        """The parameters, their memories, and the states."""
        return (*self.gradients, *self.memories, *self.updates)


def epoch_text(program: Program, roles: Roles, updates: Mapping[str, ScalarUpdate], batched: bool) -> str:
    """Return the module of the function that trains for some steps of an epoch.

    Its arguments are pointers to the leaves, to the addresses of the columns of samples, to the order of the samples,
    to where the losses and the compared values go, to the number of steps done, and to the varying coefficients of
    these steps; then the first step, the one behind the last, the size of a batch, and the number of samples.

    Parameters
    ----------
    program : Program
        For one sample.
    roles : Roles
    updates : mapping from parameter to ScalarUpdate
    batched : bool
        Whether a step has several samples, whose gradients are averaged.
    """
    kind = TYPES[program.dtype]
    changing = roles.changing
    slots = {leaf: slot for slot, leaf in enumerate(roles.leaves)}
    value = {leaf: f"%leaf{slot}" for leaf, slot in slots.items()}
    value |= {leaf: f"%sample{column}" for column, leaf in enumerate(roles.sampled)}
    body, names = straight_code(program, {position: value[name] for name, position in program.inputs.items()}, kind)
    start = {leaf: f"%start{slots[leaf]}" if leaf in changing else value[leaf] for leaf in roles.leaves}
    lines: list[str] = []
    for leaf, slot in slots.items():
        lines += [f"%leaf{slot}.at = getelementptr {kind}, ptr %leaves, i64 {slot}",
                  f"{start[leaf]} = load {kind}, ptr %leaf{slot}.at"]  # fmt: skip
    for column in range(len(roles.sampled)):
        lines += [f"%column{column}.at = getelementptr ptr, ptr %columns, i64 {column}",
                  f"%column{column} = load ptr, ptr %column{column}.at"]  # fmt: skip
    last = "update" if batched else "step"
    lines += ["%any = icmp slt i64 %first, %last", "br i1 %any, label %step, label %done", "step:"]
    lines += [f"%s = phi i64 [ %first, %entry ], [ %s.next, %{last} ]"]
    lines += [f"{value[leaf]} = phi {kind} [ {start[leaf]}, %entry ], [ %new{slots[leaf]}, %{last} ]"
              for leaf in changing]  # fmt: skip
    if batched:
        lines += _batch_head(len(roles.gradients))
    else:
        lines.append("%k = add i64 %s, 0")
    lines += ["%index.at = getelementptr i64, ptr %order, i64 %k", "%index = load i64, ptr %index.at"]
    for column in range(len(roles.sampled)):
        lines += [f"%sample{column}.at = getelementptr {kind}, ptr %column{column}, i64 %index",
                  f"%sample{column} = load {kind}, ptr %sample{column}.at"]  # fmt: skip
    lines += body
    for place, position in enumerate(roles.compared):
        lines += [f"%compared{place}.of = mul i64 %k, 2", f"%compared{place}.n = add i64 %compared{place}.of, {place}",
                  f"%compared{place}.at = getelementptr {kind}, ptr %compared, i64 %compared{place}.n",
                  f"store {kind} {names[position]}, ptr %compared{place}.at"]  # fmt: skip
    gradients = [names[position] for position in roles.gradients.values()]
    loss = names[roles.loss]
    if batched:
        lines += _batch_foot([loss, *gradients], kind)
        gradients = [f"%gradient{place + 1}" for place in range(len(gradients))]
    elif kind != "double":
        lines.append(f"%loss.wide = fpext {kind} {loss} to double")
    lines += _varying(roles.varying, kind)
    value |= {name: f"%varying{place}" for place, name in enumerate(roles.varying)}
    for (leaf, update), gradient in zip(updates.items(), gradients, strict=True):
        lines += _parameter_update(update, slots, {**value, "gradient": gradient}, kind, f"u{slots[leaf]}.")
    total = "%mean0" if batched else loss if kind == "double" else "%loss.wide"
    lines += _updates({slots[state]: names[position] for state, position in roles.updates.items()}, total, kind)
    lines += ["%s.next = add i64 %s, 1", "%more = icmp slt i64 %s.next, %last",
              "br i1 %more, label %step, label %done", "done:"]  # fmt: skip
    ends = [(slots[leaf], start[leaf]) for leaf in changing]
    lines += [f"%end{slot} = phi {kind} [ {begin}, %entry ], [ %new{slot}, %{last} ]" for slot, begin in ends]
    lines += [f"store {kind} %end{slot}, ptr %leaf{slot}.at" for slot, _ in ends]
    lines += ["store i64 %last, ptr %progress", "ret void"]
    # Nothing that is written is ever read as something else.
    head = (
        "define void @epoch(ptr noalias %leaves, ptr noalias %columns, ptr noalias %order, ptr noalias %losses, "
        "ptr noalias %compared, ptr noalias %progress, ptr noalias %rates, "
        "i64 %first, i64 %last, i64 %batch, i64 %rows)"
    )
    return module_text(kind, head, lines)


def evaluate_text(program: Program) -> str:
    """Return the module of the function that computes a program once: from the inputs, in order, to the outputs."""
    kind = TYPES[program.dtype]
    inputs = {position: f"%input{slot}" for slot, position in enumerate(program.inputs.values())}
    body, names = straight_code(program, inputs, kind)
    lines: list[str] = []
    for slot in range(len(inputs)):
        lines += [f"%input{slot}.at = getelementptr {kind}, ptr %inputs, i64 {slot}",
                  f"%input{slot} = load {kind}, ptr %input{slot}.at"]  # fmt: skip
    lines += body
    for slot, position in enumerate(program.outputs.values()):
        name = names[position]
        if program.instructions[position].boolean:
            lines.append(f"%output{slot} = uitofp i1 {name} to {kind}")
            name = f"%output{slot}"
        lines += [f"%output{slot}.at = getelementptr {kind}, ptr %outputs, i64 {slot}",
                  f"store {kind} {name}, ptr %output{slot}.at"]  # fmt: skip
    return module_text(kind, "define void @evaluate(ptr noalias %inputs, ptr noalias %outputs)", [*lines, "ret void"])


def module_text(kind: str, head: str, lines: Sequence[str]) -> str:
    """Return a module of one function to call, with only those declarations and other functions that it needs."""
    code = "\n".join(line if line.endswith(":") else f"  {line}" for line in lines if line)
    functions = exponential_text() if f"@{EXPONENTIAL}" in code else ""
    used = [line for line in declarations(kind) if f"{line[line.index('@') : line.index('(')]}(" in code + functions]
    return "\n".join([*used, f"{head} {{", "entry:", code, "}", functions])


def _batch_head(gradients: int) -> list[str]:
    zero = number(0.0, "double")
    sums = [f"%sum{place} = phi double [ {zero}, %step ], [ %sum{place}.next, %sample ]"
            for place in range(gradients + 1)]  # fmt: skip
    return [
        "%begin = mul i64 %s, %batch",
        "%whole = add i64 %begin, %batch",
        "%short = icmp slt i64 %rows, %whole",
        "%behind = select i1 %short, i64 %rows, i64 %whole",
        "br label %sample",
        "sample:",
        "%k = phi i64 [ %begin, %step ], [ %k.next, %sample ]",
        *sums,
    ]


def _batch_foot(values: Iterable[str], kind: str) -> list[str]:
    """Return the sums over the samples of a batch, and behind them the means."""
    sums: list[str] = []
    means = ["%samples = sub i64 %behind, %begin", "%samples.d = sitofp i64 %samples to double"]
    for place, name in enumerate(values):
        wide = name
        if kind != "double":  # long sums lose less in double
            sums.append(f"%wide{place} = fpext {kind} {name} to double")
            wide = f"%wide{place}"
        sums.append(f"%sum{place}.next = fadd double %sum{place}, {wide}")
        mean = f"%gradient{place}" if kind == "double" and place else f"%mean{place}"
        means.append(f"{mean} = fdiv double %sum{place}.next, %samples.d")
        if kind != "double" and place:
            means.append(f"%gradient{place} = {_converted(mean, 'double', kind)}")
    return [
        *sums,
        "%k.next = add i64 %k, 1",
        "%further = icmp slt i64 %k.next, %behind",
        "br i1 %further, label %sample, label %update",
        "update:",
        *means,
    ]


def _varying(names: Sequence[str], kind: str) -> list[str]:
    """Return what loads the coefficients of a step: those of the first step that is done here come first."""
    if not names:
        return []
    lines = ["%behind.first = sub i64 %s, %first", f"%rates.row = mul i64 %behind.first, {len(names)}"]
    for place in range(len(names)):
        wide = f"%varying{place}" if kind == "double" else f"%varying{place}.wide"
        lines += [f"%varying{place}.n = add i64 %rates.row, {place}",
                  f"%varying{place}.at = getelementptr double, ptr %rates, i64 %varying{place}.n",
                  f"{wide} = load double, ptr %varying{place}.at"]  # fmt: skip
        if kind != "double":
            lines.append(f"%varying{place} = {_converted(wide, 'double', kind)}")
    return lines


def _parameter_update(
    update: ScalarUpdate, slots: Mapping[str, int], value: Mapping[str, str], kind: str, prefix: str
) -> list[str]:
    """Return the new values of a parameter and its memories."""
    given = {position: value[update.names.get(name, name)] for name, position in update.program.inputs.items()}
    lines, names = straight_code(update.program, given, kind, prefix, fuse=True)
    for name, position in update.program.outputs.items():
        lines.append(f"%new{slots[update.names[name]]} = fadd {kind} {names[position]}, {number(-0.0, kind)}")
    return lines


def _updates(updates: Mapping[int, str], loss: str, kind: str) -> list[str]:
    """Return the new values of states, and the loss of the step, which a state that is not finite makes NaN."""
    lines = []
    for slot, name in updates.items():
        lines.append(f"%new{slot} = fadd {kind} {name}, {number(-0.0, kind)}")
        wide = f"%new{slot}"
        if kind != "double":
            wide = f"%new{slot}.wide"
            lines.append(f"{wide} = fpext {kind} %new{slot} to double")
        lines += [f"%probe{slot} = fmul double {wide}, {number(0.0, 'double')}",
                  f"%loss{slot} = fadd double {loss}, %probe{slot}"]  # fmt: skip
        loss = f"%loss{slot}"
    return [*lines, "%loss.at = getelementptr double, ptr %losses, i64 %s", f"store double {loss}, ptr %loss.at"]


def _converted(name: str, source: str, kind: str) -> str:
    return f"fptrunc {source} {name} to {kind}"
