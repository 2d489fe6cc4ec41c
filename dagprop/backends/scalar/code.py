"""The loop of an epoch around a program of single numbers, in LLVM's language: parameters stay in registers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from dagprop.backends.llvm.code import TYPES, number
from dagprop.backends.llvm.functions import with_functions
from dagprop.backends.scalar.product_order import MODERATE, early_products
from dagprop.backends.scalar.straight_code import straight_code
from dagprop.backends.scalar.updates import ScalarUpdate, with_updates
from dagprop.program.records import Program
from dagprop.program.update import gradient_name
from dagprop.record import record

EPOCH_SIGNATURE = ("epoch", "ppppppppiiii")
EVALUATE_SIGNATURE = ("evaluate", "ppp")


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
    loss : str
        The output of the program that it is.
    parameters : tuple of str
        What is trained; their gradients are outputs too.
    memories : tuple of str
        What is remembered for the parameters.
    varying : tuple of str
        The coefficients that each step has its own of.
    updates : mapping from state to str
        The output that replaces it.
    compared : tuple of str
        The outputs that are the prediction and the target, or nothing.
    """

    leaves: tuple[str, ...]
    sampled: tuple[str, ...]
    loss: str
    parameters: tuple[str, ...]
    memories: tuple[str, ...]
    varying: tuple[str, ...]
    updates: Mapping[str, str]
    compared: tuple[str, ...]

    @property
    def changing(self) -> tuple[str, ...]:
        """The parameters, their memories, and the states."""
        return (*self.parameters, *self.memories, *self.updates)


def epoch_text(
    program: Program, roles: Roles, updates: Mapping[str, ScalarUpdate], batched: bool, as_written: bool = False
) -> str:
    """Return the module of the function that trains for some steps of an epoch.

    Its arguments are pointers to the leaves, to the addresses of the columns of samples, to the order of the samples,
    to where the losses and the compared values go, to the number of steps done, to the varying coefficients of these
    steps, and to the table of powers; then the first step, the one behind the last, the size of a batch, and
    the number of samples.  It ends before a step in which the order of products may matter.

    Parameters
    ----------
    program : Program
        For one sample.
    roles : Roles
    updates : mapping from parameter to ScalarUpdate
    batched : bool
        Whether a step has several samples, whose gradients are averaged.
    as_written : bool
        Whether all products are multiplied in the order of the program, so that all steps are done.
    """
    kind = TYPES[program.dtype]
    factors: tuple[int, ...] = ()
    if not batched:
        program = with_updates(program, updates, {roles.loss, *roles.compared, *roles.updates.values()})
        if kind == "double" and not as_written:
            program, factors = early_products(program)
    changing, outputs = roles.changing, program.outputs
    slots = {leaf: slot for slot, leaf in enumerate(roles.leaves)}
    value = {leaf: f"%leaf{slot}" for leaf, slot in slots.items()}
    value |= {leaf: f"%sample{column}" for column, leaf in enumerate(roles.sampled)}
    value |= {name: f"%varying{place}" for place, name in enumerate(roles.varying)}
    given = {position: value[name] for name, position in program.inputs.items()}
    fused = () if batched else [outputs[f"new {leaf}"] for leaf in (*roles.parameters, *roles.memories)]
    body, names = straight_code(program, given, kind, fused=fused)
    start = {leaf: f"%start{slots[leaf]}" if leaf in changing else value[leaf] for leaf in roles.leaves}
    lines: list[str] = []
    for leaf, slot in slots.items():
        lines += [f"%leaf{slot}.at = getelementptr {kind}, ptr %leaves, i64 {slot}",
                  f"{start[leaf]} = load {kind}, ptr %leaf{slot}.at"]  # fmt: skip
    for column in range(len(roles.sampled)):
        lines += [f"%column{column}.at = getelementptr ptr, ptr %columns, i64 {column}",
                  f"%column{column} = load ptr, ptr %column{column}.at"]  # fmt: skip
    last = "update" if batched else "usual" if factors else "step"
    lines += ["%any = icmp slt i64 %first, %last", "br i1 %any, label %step, label %done", "step:"]
    lines += [f"%s = phi i64 [ %first, %entry ], [ %s.next, %{last} ]"]
    lines += [f"{value[leaf]} = phi {kind} [ {start[leaf]}, %entry ], [ %new{slots[leaf]}, %{last} ]"
              for leaf in changing]  # fmt: skip
    lines += _varying(roles.varying, kind)
    lines += _batch_head(len(roles.parameters)) if batched else ["%k = add i64 %s, 0"]
    lines += ["%index.at = getelementptr i64, ptr %order, i64 %k", "%index = load i64, ptr %index.at"]
    for column in range(len(roles.sampled)):
        lines += [f"%sample{column}.at = getelementptr {kind}, ptr %column{column}, i64 %index",
                  f"%sample{column} = load {kind}, ptr %sample{column}.at"]  # fmt: skip
    lines += body
    for place, name in enumerate(roles.compared):
        lines += [f"%compared{place}.of = mul i64 %k, 2", f"%compared{place}.n = add i64 %compared{place}.of, {place}",
                  f"%compared{place}.at = getelementptr {kind}, ptr %compared, i64 %compared{place}.n",
                  f"store {kind} {names[outputs[name]]}, ptr %compared{place}.at"]  # fmt: skip
    if factors:
        lines += _size_check(names[factor] for factor in factors)
    loss = names[outputs[roles.loss]]
    if batched:
        gradients = [names[outputs[gradient_name(parameter)]] for parameter in roles.parameters]
        lines += _batch_foot([loss, *gradients], kind)
        for place, update in enumerate(updates.values(), start=1):
            lines += _parameter_update(update, slots, {**value, "gradient": f"%gradient{place}"}, kind, f"u{place}.")
    else:
        if kind != "double":
            lines.append(f"%loss.wide = fpext {kind} {loss} to double")
        for leaf in (*roles.parameters, *roles.memories):
            lines.append(f"%new{slots[leaf]} = fadd {kind} {names[outputs[f'new {leaf}']]}, {number(-0.0, kind)}")
    total = "%mean0" if batched else loss if kind == "double" else "%loss.wide"
    lines += _updates({slots[state]: names[outputs[name]] for state, name in roles.updates.items()}, total, kind)
    lines += ["%s.next = add i64 %s, 1", "%more = icmp slt i64 %s.next, %last",
              "br i1 %more, label %step, label %done", "done:"]  # fmt: skip
    # Before a step that is not done, the leaves are those that it began with.
    ends = [("%last", "entry"), ("%last", last), *([("%s", "step")] if factors else [])]
    lines.append(f"%reached = phi i64 {', '.join(f'[ {step}, %{block} ]' for step, block in ends)}")
    for leaf in changing:
        slot = slots[leaf]
        found = [(start[leaf], "entry"), (f"%new{slot}", last), *([(value[leaf], "step")] if factors else [])]
        lines += [f"%end{slot} = phi {kind} {', '.join(f'[ {name}, %{block} ]' for name, block in found)}"]
    lines += [f"store {kind} %end{slots[leaf]}, ptr %leaf{slots[leaf]}.at" for leaf in changing]
    lines += ["store i64 %reached, ptr %progress", "ret void"]
    # Nothing that is written is ever read as something else.
    head = (
        "define void @epoch(ptr noalias %leaves, ptr noalias %columns, ptr noalias %order, ptr noalias %losses, "
        "ptr noalias %compared, ptr noalias %progress, ptr noalias %rates, ptr noalias %powers, "
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
    return module_text(
        kind,
        "define void @evaluate(ptr noalias %inputs, ptr noalias %outputs, ptr noalias %powers)",
        [*lines, "ret void"],
    )


def module_text(kind: str, head: str, lines: Sequence[str]) -> str:
    """Return a module of one function to call, with only those declarations and other functions that it needs."""
    code = "\n".join(line if line.endswith(":") else f"  {line}" for line in lines if line)
    return with_functions(kind, "\n".join([f"{head} {{", "entry:", code, "}"]))


def _size_check(factors: Iterable[str]) -> list[str]:
    """Return what goes on where each of some doubles is 0 or of a moderate size, or no number, and else ends."""
    low, high, zero = (number(value, "double") for value in (1 / MODERATE, MODERATE, 0.0))
    lines = []
    usual = "true"
    for place, factor in enumerate(factors):
        name = f"%factor{place}"
        lines += [f"{name}.size = call double @llvm.fabs.f64(double {factor})",
                  f"{name}.high = fcmp ogt double {name}.size, {high}",
                  f"{name}.low = fcmp olt double {name}.size, {low}",
                  f"{name}.some = fcmp one double {factor}, {zero}", f"{name}.lost = and i1 {name}.low, {name}.some",
                  f"{name}.odd = or i1 {name}.high, {name}.lost", f"{name}.usual = xor i1 {name}.odd, true",
                  f"{name} = and i1 {usual}, {name}.usual"]  # fmt: skip
        usual = name
    return [*lines, f"br i1 {usual}, label %usual, label %done", "usual:"]


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
    every = range(len(update.program.instructions))
    lines, names = straight_code(update.program, given, kind, prefix, fused=every)
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
