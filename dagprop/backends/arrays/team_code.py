"""How several threads share one kernel, in LLVM's language.

A kernel works on some columns of an array, from one to another.  Its columns are cut into parts; who leads a team takes
the parts from the first on, its helpers from the last on, until they meet.  So each finds in its cache what it left
there last time, and nobody is waited for who has not begun: a helper that the system has put aside costs nothing.

Which parts are left is one number, the ticket: from its high bits to its low ones, how often there was something to
share, the first part that is left, and the one behind the last.  Who wants a part exchanges the ticket for the one that
is left then; if somebody else was sooner, it is no longer the same, and the exchange fails.
"""

from __future__ import annotations

import platform

SIGNATURES = (("share", "pppiii"), ("help", "p"))

SIZE = 512
"""Bytes of the memory of a team, in lines of the cache that are far enough apart."""

YIELD, CLOCK = "sched_yield", "time"
"""The functions of the system that let others have the processor, and that say which second it is."""

_PAUSES = {
    **dict.fromkeys(("x86_64", "amd64"), ("declare void @llvm.x86.sse2.pause()", "call void @llvm.x86.sse2.pause()")),
    **dict.fromkeys(
        ("aarch64", "arm64"), ("declare void @llvm.aarch64.hint(i32)", "call void @llvm.aarch64.hint(i32 1)")
    ),
}


def team_text() -> str:
    """Return the module of the functions of who leads a team, and of its helpers.

    ``share`` is given the memory of the team, the address of a kernel, its arguments, how many columns there are, how
    many a part has, and how many parts that makes; it returns when all is done.  ``help`` is given the memory, and
    returns when there has been nothing to do for some milliseconds; or for a second or two, where others take the
    processor for long whenever they are let have it.
    """
    declaration, pause = _PAUSES.get(platform.machine().lower(), ("", ""))
    return _TEXT.replace("DECLARATION", declaration).replace("PAUSE", pause)


HELPERS = 384
"""Where in the memory (in bytes) it says how many helpers there are."""

_TEXT = """
DECLARATION
declare i32 @sched_yield()
declare i64 @time(ptr)

; Of a team: the ticket, how many parts helpers have done, how many helpers there are, and what is shared.
define internal ptr @ticket(ptr %team) alwaysinline { ret ptr %team }
define internal ptr @done(ptr %team) alwaysinline { %at = getelementptr i8, ptr %team, i64 128  ret ptr %at }
define internal ptr @task(ptr %team, i64 %which) alwaysinline {
  %place = getelementptr i8, ptr %team, i64 192
  %at = getelementptr i64, ptr %place, i64 %which
  ret ptr %at
}
define internal ptr @helpers(ptr %team) alwaysinline { %at = getelementptr i8, ptr %team, i64 384  ret ptr %at }

; Takes a part, the first or the last that is left, and does it: 0 if there was none, -1 if somebody else was sooner.
define internal i64 @take(ptr %team, i1 %last) {
  %ticket.at = call ptr @ticket(ptr %team)
  %now = load atomic i64, ptr %ticket.at acquire, align 8
  %low.shifted = lshr i64 %now, 16
  %low = and i64 %low.shifted, 65535
  %high = and i64 %now, 65535
  %some = icmp ult i64 %low, %high
  br i1 %some, label %claim, label %none
none:
  ret i64 0
claim:
  ; Who reads a task of later cannot have an exchange succeed on a ticket of before.
  %function.at = call ptr @task(ptr %team, i64 0)
  %arguments.at = call ptr @task(ptr %team, i64 1)
  %columns.at = call ptr @task(ptr %team, i64 2)
  %size.at = call ptr @task(ptr %team, i64 3)
  %parts.at = call ptr @task(ptr %team, i64 4)
  %function = load atomic ptr, ptr %function.at acquire, align 8
  %arguments = load atomic ptr, ptr %arguments.at acquire, align 8
  %columns = load atomic i64, ptr %columns.at acquire, align 8
  %size = load atomic i64, ptr %size.at acquire, align 8
  %parts = load atomic i64, ptr %parts.at acquire, align 8
  %without.first = add i64 %now, 65536
  %without.last = sub i64 %now, 1
  %rest = select i1 %last, i64 %without.last, i64 %without.first
  %exchanged = cmpxchg ptr %ticket.at, i64 %now, i64 %rest acq_rel monotonic
  %mine = extractvalue { i64, i1 } %exchanged, 1
  br i1 %mine, label %work, label %late
late:
  ret i64 -1
work:
  %before.high = sub i64 %high, 1
  %part = select i1 %last, i64 %before.high, i64 %low
  %next = add i64 %part, 1
  %from = mul i64 %part, %size
  %from.next = mul i64 %next, %size
  %is.end = icmp eq i64 %next, %parts
  %to = select i1 %is.end, i64 %columns, i64 %from.next
  %answer = call i32 %function(ptr %arguments, i64 %from, i64 %to)
  ret i64 1
}

define void @share(ptr %team, ptr %function, ptr %arguments, i64 %columns, i64 %size, i64 %parts) {
entry:
  %helpers.at = call ptr @helpers(ptr %team)
  %helpers = load atomic i64, ptr %helpers.at monotonic, align 8
  %alone = icmp eq i64 %helpers, 0
  br i1 %alone, label %whole, label %together
whole:
  %answer = call i32 %function(ptr %arguments, i64 0, i64 %columns)
  ret void
together:
  ; Nothing is left while the task is being written down: a helper that reads half of it cannot have a valid ticket.
  %ticket.at = call ptr @ticket(ptr %team)
  %before = load atomic i64, ptr %ticket.at monotonic, align 8
  %count = lshr i64 %before, 32
  %count.next = add i64 %count, 1
  %closed = shl i64 %count.next, 32
  store atomic i64 %closed, ptr %ticket.at seq_cst, align 8
  fence seq_cst
  %function.at = call ptr @task(ptr %team, i64 0)
  %arguments.at = call ptr @task(ptr %team, i64 1)
  %columns.at = call ptr @task(ptr %team, i64 2)
  %size.at = call ptr @task(ptr %team, i64 3)
  %parts.at = call ptr @task(ptr %team, i64 4)
  store atomic ptr %function, ptr %function.at monotonic, align 8
  store atomic ptr %arguments, ptr %arguments.at monotonic, align 8
  store atomic i64 %columns, ptr %columns.at monotonic, align 8
  store atomic i64 %size, ptr %size.at monotonic, align 8
  store atomic i64 %parts, ptr %parts.at monotonic, align 8
  %done.at = call ptr @done(ptr %team)
  store atomic i64 0, ptr %done.at monotonic, align 8
  %open = or i64 %closed, %parts
  store atomic i64 %open, ptr %ticket.at release, align 8
  br label %lead
lead:
  %own = phi i64 [ 0, %together ], [ %own.next, %taken ]
  %took = call i64 @take(ptr %team, i1 false)
  %none = icmp eq i64 %took, 0
  br i1 %none, label %wait, label %taken
taken:
  %one = icmp eq i64 %took, 1
  %more = zext i1 %one to i64
  %own.next = add i64 %own, %more
  br label %lead
wait:
  %waited = phi i64 [ 0, %lead ], [ %waited.next, %patience ], [ %waited, %given ]
  %others = load atomic i64, ptr %done.at acquire, align 8
  %all = add i64 %others, %own
  %complete = icmp eq i64 %all, %parts
  br i1 %complete, label %end, label %unfinished
unfinished:
  %long = icmp ugt i64 %waited, 1000
  br i1 %long, label %given, label %patience
patience:
  PAUSE
  %waited.next = add i64 %waited, 1
  br label %wait
given:
  %ignored = call i32 @sched_yield()
  br label %wait
end:
  ret void
}

define void @help(ptr %team) {
entry:
  %helpers.at = call ptr @helpers(ptr %team)
  %come = atomicrmw add ptr %helpers.at, i64 1 monotonic, align 8
  %done.at = call ptr @done(ptr %team)
  br label %look
look:
  %idle = phi i64 [ 0, %entry ], [ 0, %counted ], [ %idle.next, %patience ], [ %idle.next, %given ]
  %since = phi i64 [ 0, %entry ], [ 0, %counted ], [ %since, %patience ], [ %since.known, %given ]
  %took = call i64 @take(ptr %team, i1 true)
  %one = icmp eq i64 %took, 1
  br i1 %one, label %counted, label %nothing
counted:
  %before = atomicrmw add ptr %done.at, i64 1 release, align 8
  br label %look
nothing:
  %idle.next = add i64 %idle, 1
  %long = icmp ugt i64 %idle, 1000
  br i1 %long, label %give, label %patience
patience:
  PAUSE
  br label %look
give:
  %ignored = call i32 @sched_yield()
  %too.long = icmp ugt i64 %idle, 10000
  br i1 %too.long, label %end, label %given
given:
  %now = call i64 @time(ptr null)
  %first = icmp eq i64 %since, 0
  %since.known = select i1 %first, i64 %now, i64 %since
  %seconds = sub i64 %now, %since.known
  %too.late = icmp sgt i64 %seconds, 1
  br i1 %too.late, label %end, label %look
end:
  %gone = atomicrmw sub ptr %helpers.at, i64 1 monotonic, align 8
  ret void
}
"""
