"""The pool of threads that an artifact brings along: LLVM IR for `parallel_for`, and for workers.

    i64 P_pool_bytes()                                          what the workers need
    void P_pool_init(ptr workers, ptr syscall)                  before all others
    void P_pool_work(ptr workers, i64 index)                    a worker's life, until the stop
    void P_pool_stop(ptr workers)                               makes all workers return
    void P_pool_for(ptr pool, ptr task, ptr frame, i64 count)   a `parallel_for`

Memory and threads are the caller's: ``workers`` is `pool_bytes`, aligned to 64; ``syscall`` is
the function of that name in Linux's C libraries (llvmlite assembles no inline assembly for other
machines), or null for workers that never sleep; indices count from 1; ``pool`` is {ptr workers,
i64 threads}, where a call uses at most ``threads`` threads, its own (index 0) among them. Nothing
here allocates, and the artifact keeps no state.

A job is posted through one word, ``state``: a generation, whether the job is open, and how many
workers have joined it. A worker joins an open job by compare-and-swap, and only then reads what
the job is; the owner closes the job when nothing is left to take, and waits for those who joined.
So nobody waits for a worker that comes late. Tasks lie in as many contiguous ranges as there are
threads; each thread takes from its own range a quarter of what is left at a time (so that a row is
mostly touched by the core that made it), then from the others'. Frame word -2 says how many threads
a job is worth, word -1 how many tasks a piece must have.

Idle workers spin for some tens of microseconds, so that the next layer finds them awake, then sleep
in a futex. Owner and worker use one order, write then read, on ``state`` and ``asleep`` (one bit a
worker): either the owner sees who sleeps, or the worker sees the new generation.

A call that finds the pool busy runs on its own thread and is counted in ``alone``; workers leave
or stay away as long as there would be more running threads than the pool has. A worker that wakes
on the owner's core, which a busy machine brings about, moves to another. The owner's rounding mode
(MXCSR, FPCR) is the job's.
"""

from __future__ import annotations

import re
from string import Template

from ..targets import Target
from .isa import of_machine
from .thread_systems import CALLS, CORES

MAX_THREADS = 64
"""Threads of one call; the indices of workers end before."""
_WORKERS_BYTES = 256 + 64 * MAX_THREADS
THREAD_CYCLES = 1 << 13
"""Cycles for which a thread is worth waking: some microseconds, several times what that costs."""
PIECE_CYCLES = 1 << 12
"""Cycles that are worth a piece of their own: many times what taking it costs."""

OFFSETS = {
    "STATE": 0,
    "BUSY": 64,
    "PRESENT": 128,
    "ALONE": 132,
    "STOPPED": 136,
    "CORE": 140,
    "SYSCALL": 152,
    "ASLEEP": 144,
    "TASK": 192,
    "FRAME": 200,
    "COUNT": 208,
    "RANGES": 216,
    "UNIT": 224,
    "ROUNDING": 232,
    "HELPERS": 240,
    "NEXT": 256,
}
# The word `state`.
_JOINED = (1 << 10) - 1
_OPEN = 1 << 10
_WAITS = 1 << 11
_GENERATION = 1 << 12
# Futexes that belong to one process. Sets of 32 bits tell who is meant, owner or worker, among
# those who sleep on one word; from 32 on workers share bits.
_WAIT_PRIVATE, _WAKE_PRIVATE = 9 | 128, 10 | 128
_OWNER = 1
_WORKER_BITS = 31

_BYTES = """
define i64 @${P}pool_bytes() $shown {
  ret i64 $WORKERS_BYTES
}
"""
_POOL = """
define void @${P}pool_init(ptr %w, ptr %syscall) $shown {
  call void @llvm.memset.p0.i64(ptr %w, i8 0, i64 $WORKERS_BYTES, i1 false)
  fields syscall
  store ptr %syscall, ptr %syscall.at, align 8
  ret void
}

define internal i1 @${P}pool_crowded(ptr %w, i32 %joined) $inside {
  fields present, alone
  %present = load atomic i32, ptr %present.at monotonic, align 4
  %alone = load atomic i32, ptr %alone.at monotonic, align 4
  %room = sub i32 %present, %alone
  %crowded = icmp sgt i32 %joined, %room
  ret i1 %crowded
}

define internal void @${P}pool_share(ptr %w, i64 %first, i1 %helps) $apart {
entry:
  fields task, frame, count, ranges, unit
  %nexts = getelementptr i8, ptr %w, i64 $NEXT
  %task = load ptr, ptr %task.at, align 8
  %frame = load ptr, ptr %frame.at, align 8
  %count = load i64, ptr %count.at, align 8
  %ranges = load i64, ptr %ranges.at, align 8
  %unit = load i64, ptr %unit.at, align 8
  br label %range
range:
  %turn = phi i64 [ 0, %entry ], [ %turn.on, %used ]
  %slot = phi i64 [ %first, %entry ], [ %slot.on, %used ]
  %slot.1 = add i64 %slot, 1
  %ends = mul i64 %count, %slot.1
  %end = udiv i64 %ends, %ranges
  %offset = shl i64 %slot, 6
  %next.at = getelementptr i8, ptr %nexts, i64 %offset
  br label %look
look:
  %next = load atomic i64, ptr %next.at monotonic, align 8
  %left = sub i64 %end, %next
  %some = icmp sgt i64 %left, 0
  br i1 %some, label %take, label %used
take:
  %left.3 = add i64 %left, 3
  %quarter = lshr i64 %left.3, 2
  %tiny = icmp slt i64 %quarter, %unit
  %wanted = select i1 %tiny, i64 %unit, i64 %quarter
  %much = icmp sgt i64 %wanted, %left
  %size = select i1 %much, i64 %left, i64 %wanted
  %stop = add i64 %next, %size
  %swap = cmpxchg ptr %next.at, i64 %next, i64 %stop monotonic monotonic, align 8
  %won = extractvalue { i64, i1 } %swap, 1
  br i1 %won, label %do, label %look
do:
  call void %task(ptr %frame, i64 %next, i64 %stop)
  br i1 %helps, label %check, label %look
check:
  %state = load atomic i32, ptr %w monotonic, align 4
  %joined = and i32 %state, $JOINED
  %crowded = call i1 @${P}pool_crowded(ptr %w, i32 %joined)
  br i1 %crowded, label %done, label %look
used:
  %turn.on = add i64 %turn, 1
  %last = icmp eq i64 %slot.1, %ranges
  %slot.on = select i1 %last, i64 0, i64 %slot.1
  %more = icmp ult i64 %turn.on, %ranges
  br i1 %more, label %range, label %done
done:
  ret void
}

define void @${P}pool_work(ptr %w, i64 %index) $shown {
entry:
  fields present, asleep, alone, stopped, rounding, helpers
  %patience = call i64 @${P}pool_patience()
  %bit = shl i64 1, %index
  %others.bits = xor i64 %bit, -1
  %index.0 = sub i64 %index, 1
  %known = icmp ult i64 %index.0, $LAST_INDEX
  br i1 %known, label %arrive, label %unknown
arrive:
  %place = urem i64 %index.0, $WORKER_BITS
  %own = shl i64 2, %place
  %before = atomicrmw add ptr %present.at, i32 1 monotonic, align 4
  br label %rest
rest:
  %seen = phi i32 [ 0, %arrive ], [ %seen, %slept ], [ %generation, %finished ]
  %since = call i64 @${P}pool_ticks()
  br label %watch
watch:
  %state = load atomic i32, ptr %w acquire, align 4
  %stopped = load atomic i32, ptr %stopped.at monotonic, align 4
  %stops = icmp ne i32 %stopped, 0
  br i1 %stops, label %leave, label %look
look:
  %generation = and i32 %state, $GENERATIONS
  %new = icmp ne i32 %generation, %seen
  %opened = and i32 %state, $OPEN
  %open = icmp ne i32 %opened, 0
  %mine = and i1 %new, %open
  br i1 %mine, label %ask, label %idle
ask:
  %helpers = load atomic i64, ptr %helpers.at monotonic, align 8
  %fits = icmp sle i64 %index, %helpers
  %joined = and i32 %state, $JOINED
  %more = add i32 %joined, 1
  %crowded = call i1 @${P}pool_crowded(ptr %w, i32 %more)
  %pleasant = xor i1 %crowded, true
  %welcome = and i1 %fits, %pleasant
  br i1 %welcome, label %join, label %idle
join:
  %with = add i32 %state, 1
  %swap = cmpxchg ptr %w, i32 %state, i32 %with acquire monotonic, align 4
  %won = extractvalue { i32, i1 } %swap, 1
  br i1 %won, label %help, label %watch
help:
  call void @${P}pool_take_rounding(ptr %rounding.at)
  call void @${P}pool_share(ptr %w, i64 %index, i1 true)
  %was = atomicrmw sub ptr %w, i32 1 acq_rel, align 4
  %then = and i32 %was, $JOINED_OR_WAITS
  %awaited = icmp eq i32 %then, $ONE_AWAITED
  br i1 %awaited, label %tell, label %finished
tell:
  call void @${P}pool_futex(ptr %w, i64 $WAKE, i64 1, i64 $OWNER)
  br label %finished
finished:
  br label %rest
idle:
  call void @${P}pool_pause()
  %alone = load atomic i32, ptr %alone.at monotonic, align 4
  %calm = icmp eq i32 %alone, 0
  %now = call i64 @${P}pool_ticks()
  %spent = sub i64 %now, %since
  %soon = icmp ult i64 %spent, %patience
  %again = and i1 %calm, %soon
  br i1 %again, label %watch, label %sleep
sleep:
  %others = atomicrmw or ptr %asleep.at, i64 %bit seq_cst, align 8
  %latest = load atomic i32, ptr %w seq_cst, align 4
  %unchanged = icmp eq i32 %latest, %state
  br i1 %unchanged, label %wait, label %slept
wait:
  %value = zext i32 %state to i64
  call void @${P}pool_futex(ptr %w, i64 $WAIT, i64 %value, i64 %own)
  call void @${P}pool_dodge(ptr %w)
  br label %slept
slept:
  %sleepers = atomicrmw and ptr %asleep.at, i64 %others.bits monotonic, align 8
  br label %rest
leave:
  %left = atomicrmw sub ptr %present.at, i32 1 monotonic, align 4
  ret void
unknown:
  ret void
}

define void @${P}pool_stop(ptr %w) $shown {
  fields stopped
  store atomic i32 1, ptr %stopped.at seq_cst, align 4
  %old = atomicrmw add ptr %w, i32 $GENERATION seq_cst, align 4
  call void @${P}pool_futex(ptr %w, i64 $WAKE, i64 $ALL, i64 $WORKERS)
  ret void
}

define internal void @${P}pool_post(ptr %w, ptr %task, ptr %frame, i64 %count, i64 %unit, \
i64 %helpers) $inside {
entry:
  fields task, frame, count, ranges, unit, rounding, helpers, asleep
  %nexts = getelementptr i8, ptr %w, i64 $NEXT
  %ranges = add i64 %helpers, 1
  store ptr %task, ptr %task.at, align 8
  store ptr %frame, ptr %frame.at, align 8
  store i64 %count, ptr %count.at, align 8
  store i64 %ranges, ptr %ranges.at, align 8
  store i64 %unit, ptr %unit.at, align 8
  store atomic i64 %helpers, ptr %helpers.at monotonic, align 8
  call void @${P}pool_save_rounding(ptr %rounding.at)
  br label %range
range:
  %slot = phi i64 [ 0, %entry ], [ %slot.on, %range ]
  %starts = mul i64 %count, %slot
  %start = udiv i64 %starts, %ranges
  %offset = shl i64 %slot, 6
  %next.at = getelementptr i8, ptr %nexts, i64 %offset
  store atomic i64 %start, ptr %next.at monotonic, align 8
  %slot.on = add i64 %slot, 1
  %more = icmp ult i64 %slot.on, %ranges
  br i1 %more, label %range, label %post
post:
  %old = load atomic i32, ptr %w monotonic, align 4
  %generation = and i32 %old, $GENERATIONS
  %open = add i32 %generation, $OPENED
  %closed = atomicrmw xchg ptr %w, i32 %open seq_cst, align 4
  %asleep = load atomic i64, ptr %asleep.at seq_cst, align 8
  %above = shl i64 2, %helpers
  %wanted = sub i64 %above, 2
  %missing = and i64 %asleep, %wanted
  %any = icmp ne i64 %missing, 0
  br i1 %any, label %wake, label %posted
wake:
  %many = icmp ugt i64 %helpers, $WORKER_BITS
  %set = select i1 %many, i64 $WORKERS, i64 %wanted
  fields core
  %core = call i32 @${P}pool_core(ptr %w)
  store atomic i32 %core, ptr %core.at monotonic, align 4
  call void @${P}pool_futex(ptr %w, i64 $WAKE, i64 $ALL, i64 %set)
  br label %posted
posted:
  ret void
}

define internal void @${P}pool_close(ptr %w) $inside {
entry:
  %patience = call i64 @${P}pool_patience()
  %was = atomicrmw and ptr %w, i32 $NOT_OPEN acq_rel, align 4
  %first = and i32 %was, $JOINED
  %nobody = icmp eq i32 %first, 0
  br i1 %nobody, label %closed, label %rest
rest:
  %since = call i64 @${P}pool_ticks()
  br label %watch
watch:
  %state = load atomic i32, ptr %w acquire, align 4
  %joined = and i32 %state, $JOINED
  %finished = icmp eq i32 %joined, 0
  br i1 %finished, label %closed, label %idle
idle:
  call void @${P}pool_pause()
  %now = call i64 @${P}pool_ticks()
  %spent = sub i64 %now, %since
  %soon = icmp ult i64 %spent, %patience
  br i1 %soon, label %watch, label %ask
ask:
  %before = atomicrmw or ptr %w, i32 $WAITS acq_rel, align 4
  %still = and i32 %before, $JOINED
  %ready = icmp eq i32 %still, 0
  br i1 %ready, label %closed, label %wait
wait:
  %asked = or i32 %before, $WAITS
  %value = zext i32 %asked to i64
  call void @${P}pool_futex(ptr %w, i64 $WAIT, i64 %value, i64 $OWNER)
  br label %rest
closed:
  ret void
}

define void @${P}pool_for(ptr %pool, ptr %task, ptr %frame, i64 %count) $shown {
entry:
  %w = load ptr, ptr %pool, align 8
  %threads.at = getelementptr i8, ptr %pool, i64 8
  %threads = load i64, ptr %threads.at, align 8
  %unit.at = getelementptr i8, ptr %frame, i64 -8
  %unit = load i64, ptr %unit.at, align 8
  %worth.at = getelementptr i8, ptr %frame, i64 -16
  %worth = load i64, ptr %worth.at, align 8
  %pieces = udiv i64 %count, %unit
  %short = icmp slt i64 %pieces, %worth
  %most = select i1 %short, i64 %pieces, i64 %worth
  %small = icmp slt i64 %most, %threads
  %fewer = select i1 %small, i64 %most, i64 %threads
  %huge = icmp sgt i64 %fewer, $MAX_THREADS
  %useful = select i1 %huge, i64 $MAX_THREADS, i64 %fewer
  %several = icmp sgt i64 %useful, 1
  br i1 %several, label %ask, label %here
ask:
  fields busy, alone, present
  %lock = cmpxchg ptr %busy.at, i32 0, i32 1 acquire monotonic, align 4
  %won = extractvalue { i32, i1 } %lock, 1
  br i1 %won, label %own, label %crowded
own:
  %present = load atomic i32, ptr %present.at monotonic, align 4
  %alone = load atomic i32, ptr %alone.at monotonic, align 4
  %room.32 = sub i32 %present, %alone
  %room = sext i32 %room.32 to i64
  %asked = sub i64 %useful, 1
  %tight = icmp slt i64 %room, %asked
  %helpers = select i1 %tight, i64 %room, i64 %asked
  %some = icmp sgt i64 %helpers, 0
  br i1 %some, label %shared, label %unshared
shared:
  call void @${P}pool_post(ptr %w, ptr %task, ptr %frame, i64 %count, i64 %unit, i64 %helpers)
  call void @${P}pool_share(ptr %w, i64 0, i1 false)
  call void @${P}pool_close(ptr %w)
  store atomic i32 0, ptr %busy.at release, align 4
  ret void
unshared:
  call void %task(ptr %frame, i64 0, i64 %count)
  store atomic i32 0, ptr %busy.at release, align 4
  ret void
crowded:
  %more = atomicrmw add ptr %alone.at, i32 1 monotonic, align 4
  call void %task(ptr %frame, i64 0, i64 %count)
  %less = atomicrmw sub ptr %alone.at, i32 1 monotonic, align 4
  ret void
here:
  call void %task(ptr %frame, i64 0, i64 %count)
  ret void
}
"""
_ALONE = """
define void @${P}pool_init(ptr %w, ptr %syscall) $shown {
  ret void
}

define void @${P}pool_work(ptr %w, i64 %index) $shown {
  ret void
}

define void @${P}pool_stop(ptr %w) $shown {
  ret void
}

define void @${P}pool_for(ptr %pool, ptr %task, ptr %frame, i64 %count) $shown {
  call void %task(ptr %frame, i64 0, i64 %count)
  ret void
}
"""


def _addresses(line: re.Match[str]) -> str:
    """``fields a, b``: %a.at and %b.at, where these fields of the workers %w are."""
    names = line[1].split(", ")
    return "\n".join(f"  %{n}.at = getelementptr i8, ptr %w, i64 ${n.upper()}" for n in names)


def pool_functions(target: Target, prefix: str) -> str:
    """The pool's functions as LLVM IR. Where the target is not Linux on x86-64 or arm64 workers
    return at once, and everything runs on the calling thread."""
    system = of_machine(target.machine).system if "linux" in target.triple else None
    text = _BYTES + (_ALONE if system is None else system.text + CALLS + _POOL)
    text = re.sub("  fields (.*)", _addresses, text)
    word = (1 << 32) - 1
    return Template(text).substitute(
        {**OFFSETS, **({} if system is None else system.calls)},
        P=prefix,
        WORKERS_BYTES=_WORKERS_BYTES,
        shown="nounwind",
        inside="nounwind alwaysinline",
        apart="nounwind noinline",
        JOINED=_JOINED,
        OPEN=_OPEN,
        NOT_OPEN=word & ~_OPEN,
        WAITS=_WAITS,
        JOINED_OR_WAITS=_JOINED | _WAITS,
        ONE_AWAITED=1 | _WAITS,
        GENERATION=_GENERATION,
        MAX_THREADS=MAX_THREADS,
        LAST_INDEX=MAX_THREADS - 1,
        GENERATIONS=word & ~(_GENERATION - 1),
        OPENED=_GENERATION + _OPEN,
        WAIT=_WAIT_PRIVATE,
        WAKE=_WAKE_PRIVATE,
        ALL=(1 << 31) - 1,
        OWNER=_OWNER,
        WORKERS=word - _OWNER,
        WORKER_BITS=_WORKER_BITS,
        CORES=CORES,
        CORE_BYTES=CORES // 8,
    )
