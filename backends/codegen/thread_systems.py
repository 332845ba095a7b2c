"""What the pool of `threads` needs of a machine and of Linux, in LLVM IR.

How to spin, the time and the rounding mode are in the files of `isa`, by LLVM's own intrinsics,
because llvmlite assembles no inline assembly for other machines; here are Linux's system calls,
through the C library's ``syscall``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class System:
    """Functions of a machine, and its numbers of system calls."""

    text: str
    calls: Mapping[str, int]


CALLS = """
define internal void @${P}pool_futex(ptr %w, i64 %what, i64 %value, i64 %set) $apart {
  fields syscall
  %syscall = load ptr, ptr %syscall.at, align 8
  %known = icmp ne ptr %syscall, null
  br i1 %known, label %ask, label %done
ask:
  %said = call i64 (i64, ...) %syscall(i64 $FUTEX, ptr %w, i64 %what, i64 %value, ptr null, \
ptr null, i64 %set)
  br label %done
done:
  ret void
}

define internal i32 @${P}pool_core(ptr %w) $apart {
  %number = alloca i32
  store i32 -1, ptr %number, align 4
  fields syscall
  %syscall = load ptr, ptr %syscall.at, align 8
  %known = icmp ne ptr %syscall, null
  br i1 %known, label %ask, label %done
ask:
  %said = call i64 (i64, ...) %syscall(i64 $GETCPU, ptr %number, ptr null, ptr null)
  br label %done
done:
  %core = load i32, ptr %number, align 4
  ret i32 %core
}

define internal void @${P}pool_dodge(ptr %w) $apart {
  %cores = alloca [$CORE_BYTES x i8], align 8
  %own = call i32 @${P}pool_core(ptr %w)
  fields core
  %other = load atomic i32, ptr %core.at monotonic, align 4
  %same = icmp eq i32 %own, %other
  %counted = icmp ult i32 %own, $CORES
  %moves = and i1 %same, %counted
  br i1 %moves, label %look, label %done
look:
  call void @llvm.memset.p0.i64(ptr %cores, i8 0, i64 $CORE_BYTES, i1 false)
  fields syscall
  %syscall = load ptr, ptr %syscall.at, align 8
  %bytes = call i64 (i64, ...) %syscall(i64 $GET_AFFINITY, i64 0, i64 $CORE_BYTES, ptr %cores)
  %some = icmp sgt i64 %bytes, 0
  br i1 %some, label %move, label %done
move:
  %core = zext i32 %own to i64
  %byte = lshr i64 %core, 3
  %shift.64 = and i64 %core, 7
  %shift = trunc i64 %shift.64 to i8
  %bit = shl i8 1, %shift
  %not = xor i8 %bit, -1
  %at = getelementptr i8, ptr %cores, i64 %byte
  %before = load i8, ptr %at, align 1
  %after = and i8 %before, %not
  store i8 %after, ptr %at, align 1
  %away = call i64 (i64, ...) %syscall(i64 $SET_AFFINITY, i64 0, i64 %bytes, ptr %cores)
  store i8 %before, ptr %at, align 1
  %back = call i64 (i64, ...) %syscall(i64 $SET_AFFINITY, i64 0, i64 %bytes, ptr %cores)
  br label %done
done:
  ret void
}
"""
"""Sleeping and waking; the number of the core that a thread runs on, -1 where unknown; leaving the
owner's core: a set of cores without it moves the thread, an empty one is refused, and then the
thread may run where it could before."""
CORES = 1024
