"""The machine that runs bytecode: its loop, and the loop of an epoch around it, in LLVM's language."""

from __future__ import annotations

from collections.abc import Sequence

from dagprop.backends.llvm.code import number
from dagprop.backends.llvm.functions import operation_with_powers, with_functions
from dagprop.program.records import BOOLEAN, ELEMENTWISE

MACHINE_SIGNATURE = ("machine", "pppipipippppipppiiiiii")

COPY = "copy"
OPERATIONS = (COPY, *(primitive for primitive in ELEMENTWISE if primitive != "real"))
CODES = {primitive: code for code, primitive in enumerate(OPERATIONS)}


def machine_text(kind: str, operations: Sequence[str] = OPERATIONS) -> str:
    """Return the module of the machine and of the loop of an epoch around it.

    Parameters
    ----------
    kind : {"double", "float"}
    operations : sequence of str
        What it can do.
    """
    cases: list[str] = []
    results: list[str] = []
    for primitive in operations:
        code = CODES[primitive]
        lines, result = _case(primitive, f"%r{code}", kind)
        cases += [f"op{code}:", *(f"  {line}" for line in lines), "  br label %stored"]
        results.append(f"[ {result}, %op{code} ]")
    switch = " ".join(f"i32 {code}, label %op{code}" for code in map(CODES.__getitem__, operations))
    text = _MACHINE.replace("SWITCH", switch).replace("CASES", "\n".join(cases)).replace("RESULTS", ", ".join(results))
    wide = "  %loss.wide = fadd double %loss.value, 0.0" if kind == "double" else (
        "  %loss.wide = fpext float %loss.value to double"
    )  # fmt: skip
    narrow = "fadd double %rate.wide, 0.0" if kind == "double" else "fptrunc double %rate.wide to float"
    trouble = wide.replace("%loss.wide", "%trouble.wide").replace("%loss.value", "%trouble.value")
    text = text.replace("WIDE_LOSS", wide).replace("NARROW_RATE", narrow).replace("WIDE_TROUBLE", trouble)
    return with_functions(kind, text.replace("KIND", kind))


def _case(primitive: str, result: str, kind: str) -> tuple[list[str], str]:
    """Return the lines of one operation on numbers, and the name of its result, also a number."""
    if primitive == COPY:
        return [], "%a"
    lines: list[str] = []
    operands = ["%a", "%b", "%old"][: ELEMENTWISE[primitive]]
    if primitive == "where":
        lines.append(f"%old = load {kind}, ptr %d.at")
    truths = len(operands) if primitive.startswith("logical_") else primitive == "where"
    for place in range(truths):
        lines.append(f"{result}.c{place} = fcmp une {kind} {operands[place]}, {number(0.0, kind)}")
        operands[place] = f"{result}.c{place}"
    lines += operation_with_powers(primitive, result, operands, kind)
    if primitive in BOOLEAN:
        lines.append(f"{result}.n = uitofp i1 {result} to {kind}")
        return lines, f"{result}.n"
    return lines, result


_MACHINE = """
define internal void @run(ptr noalias %code, i64 %count, ptr noalias %values, ptr noalias %powers) {
entry:
  %none = icmp eq i64 %count, 0
  br i1 %none, label %done, label %fetch
fetch:
  %n = phi i64 [ 0, %entry ], [ %n.next, %stored ]
  %row = getelementptr [3 x i32], ptr %code, i64 %n
  %head = load i32, ptr %row
  %op = and i32 %head, 255
  %d.short = lshr i32 %head, 8
  %a.place = getelementptr i32, ptr %row, i64 1
  %a.short = load i32, ptr %a.place
  %b.place = getelementptr i32, ptr %row, i64 2
  %b.short = load i32, ptr %b.place
  %n.a = zext i32 %a.short to i64
  %n.b = zext i32 %b.short to i64
  %n.d = zext i32 %d.short to i64
  %a.at = getelementptr KIND, ptr %values, i64 %n.a
  %a = load KIND, ptr %a.at
  %b.at = getelementptr KIND, ptr %values, i64 %n.b
  %b = load KIND, ptr %b.at
  %d.at = getelementptr KIND, ptr %values, i64 %n.d
  switch i32 %op, label %wrong [ SWITCH ]
wrong:
  unreachable
CASES
stored:
  %result = phi KIND RESULTS
  store KIND %result, ptr %d.at
  %n.next = add i64 %n, 1
  %more = icmp ult i64 %n.next, %count
  br i1 %more, label %fetch, label %done
done:
  ret void
}

define void @machine(
    ptr noalias %values, ptr noalias %order, ptr noalias %sample, i64 %sample.rows, ptr noalias %update,
    i64 %update.rows, ptr noalias %columns, i64 %columns.count, ptr noalias %slots, ptr noalias %losses,
    ptr noalias %compared, ptr noalias %compared.slots, i64 %compared.count, ptr noalias %progress,
    ptr noalias %rates, ptr noalias %powers, i64 %rates.count, i64 %first, i64 %last, i64 %batch, i64 %rows,
    i64 %special) {
entry:
  %any = icmp slt i64 %first, %last
  br i1 %any, label %step, label %done
step:
  %s = phi i64 [ %first, %entry ], [ %s.next, %rate.done ]
  %begin = mul i64 %s, %batch
  %whole = add i64 %begin, %batch
  %short = icmp slt i64 %rows, %whole
  %behind = select i1 %short, i64 %rows, i64 %whole
  br label %one
one:
  %k = phi i64 [ %begin, %step ], [ %k.next, %compare.done ]
  %sum = phi double [ 0.0, %step ], [ %sum.next, %compare.done ]
  %index.at = getelementptr i64, ptr %order, i64 %k
  %index = load i64, ptr %index.at
  br label %feed.test
feed.test:
  %f = phi i64 [ 0, %one ], [ %f.next, %feed ]
  %f.more = icmp slt i64 %f, %columns.count
  br i1 %f.more, label %feed, label %fed
feed:
  %column.at = getelementptr ptr, ptr %columns, i64 %f
  %column = load ptr, ptr %column.at
  %entry.at = getelementptr KIND, ptr %column, i64 %index
  %entry.value = load KIND, ptr %entry.at
  %slot.at = getelementptr i64, ptr %slots, i64 %f
  %slot = load i64, ptr %slot.at
  %fed.at = getelementptr KIND, ptr %values, i64 %slot
  store KIND %entry.value, ptr %fed.at
  %f.next = add i64 %f, 1
  br label %feed.test
fed:
  call void @run(ptr %sample, i64 %sample.rows, ptr %values, ptr %powers)
  %loss.slot.at = getelementptr i64, ptr %compared.slots, i64 2
  %loss.slot = load i64, ptr %loss.slot.at
  %loss.value.at = getelementptr KIND, ptr %values, i64 %loss.slot
  %loss.value = load KIND, ptr %loss.value.at
WIDE_LOSS
  %sum.next = fadd double %sum, %loss.wide
  %to = mul i64 %k, 2
  br label %compare.test
compare.test:
  %p = phi i64 [ 0, %fed ], [ %p.next, %compare ]
  %p.more = icmp slt i64 %p, %compared.count
  br i1 %p.more, label %compare, label %compare.done
compare:
  %from.at = getelementptr i64, ptr %compared.slots, i64 %p
  %from = load i64, ptr %from.at
  %from.value.at = getelementptr KIND, ptr %values, i64 %from
  %from.value = load KIND, ptr %from.value.at
  %to.place = add i64 %to, %p
  %to.at = getelementptr KIND, ptr %compared, i64 %to.place
  store KIND %from.value, ptr %to.at
  %p.next = add i64 %p, 1
  br label %compare.test
compare.done:
  %k.next = add i64 %k, 1
  %further = icmp slt i64 %k.next, %behind
  br i1 %further, label %one, label %updated
updated:
  %samples = sub i64 %behind, %begin
  %samples.d = sitofp i64 %samples to double
  %samples.n = sitofp i64 %samples to KIND
  %samples.at = getelementptr KIND, ptr %values, i64 %special
  store KIND %samples.n, ptr %samples.at
  %done.here = sub i64 %s, %first
  %rates.row = mul i64 %done.here, %rates.count
  %rates.place = add i64 %special, 2
  br label %rate.test
rate.test:
  %q = phi i64 [ 0, %updated ], [ %q.next, %rate.load ]
  %q.more = icmp slt i64 %q, %rates.count
  br i1 %q.more, label %rate.load, label %rate.done
rate.load:
  %rate.n = add i64 %rates.row, %q
  %rate.from = getelementptr double, ptr %rates, i64 %rate.n
  %rate.wide = load double, ptr %rate.from
  %rate = NARROW_RATE
  %rate.to = add i64 %rates.place, %q
  %rate.at = getelementptr KIND, ptr %values, i64 %rate.to
  store KIND %rate, ptr %rate.at
  %q.next = add i64 %q, 1
  br label %rate.test
rate.done:
  call void @run(ptr %update, i64 %update.rows, ptr %values, ptr %powers)
  %trouble.place = add i64 %special, 1
  %trouble.at = getelementptr KIND, ptr %values, i64 %trouble.place
  %trouble.value = load KIND, ptr %trouble.at
WIDE_TROUBLE
  %mean = fdiv double %sum.next, %samples.d
  %probed = fadd double %mean, %trouble.wide
  %loss.at = getelementptr double, ptr %losses, i64 %s
  store double %probed, ptr %loss.at
  %s.next = add i64 %s, 1
  %s.more = icmp slt i64 %s.next, %last
  br i1 %s.more, label %step, label %done
done:
  store i64 %last, ptr %progress
  ret void
}
"""
