"""What goldens of emitted code hold: what a kernel is to have, not what one release of LLVM adds.

Of a loop: the instructions that count bits, how many are logic, and a bound on what lies on the
stack. Of a module: its functions with their parameters, what they call and how many operations they
have on which vectors, where the backend itself writes them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

COUNTING = r"v?p?popcnt\w?|cnt|v?pshufb"
"""Instructions that count bits, one by one or by tables."""
LOGIC = {
    "and": r"v?pand\w?|vandp[sd]|and",
    "or": r"v?por\w?|vorp[sd]|orr",
    "select": "bif|bit|bsl",
    "ternary logic": r"vpternlog\w",
    "xor": r"v?pxor\w?|vxorp[sd]|eor",
}
"""Instructions on vectors, by family: LLVM chooses within one."""
_STACK = re.compile(r"^\s+\w+\s.*(?:\(%rsp\)|\[sp\b).*$", re.MULTILINE)
_BRANCH = r"j[a-z]+|b|b\.[a-z]+|br|cbn?z|tbn?z"


def loop_facts(block: str) -> str:
    """What the golden of a loop holds, from its assembly."""
    body = Counter(line.split()[0] for line in block.splitlines() if re.match(r"\s+[a-z]", line))
    counting = {name: n for name, n in sorted(body.items()) if re.fullmatch(COUNTING, name)}
    logic = {
        family: sum(n for name, n in body.items() if re.fullmatch(names, name))
        for family, names in LOGIC.items()
    }
    spills = len(_STACK.findall(block))
    room = 1 << (spills - 1).bit_length() if spills else 0
    return (
        f"counting: {', '.join(f'{name} {n}' for name, n in counting.items()) or 'nothing'}\n"
        f"logic: {sum(logic.values())} of {', '.join(f for f, n in logic.items() if n)}\n"
        f"on the stack: {f'at most {room}' if room else 'nothing'}\n"
    )


def hot_block(assembly: str, wanted: str) -> str:
    """The basic block with most of the ``wanted`` instructions."""
    # A basic block starts at a label or after a branch.
    blocks = re.split(rf"^(?:\.LBB.*:|\s+(?:{_BRANCH})\s.*)$", assembly, flags=re.MULTILINE)
    return _most(blocks, wanted)


def hot_loop(assembly: str) -> str:
    """The innermost loop with most instructions that count bits: a block whose first jump leads
    back to its own label, up to that jump."""
    parts = re.split(r"^(\.LBB\w+):.*$", assembly, flags=re.MULTILINE)
    loops: list[str] = []
    for label, text in zip(parts[1::2], parts[2::2], strict=True):
        jump = re.search(r"^\s+[bcjt]\S*\s.*?(\.LBB\w+)$", text, re.MULTILINE)
        if jump and jump[1] == label:
            loops.append(text[: jump.end()])
    return _most(loops, COUNTING)


def _most(blocks: Iterable[str], wanted: str) -> str:
    pattern = re.compile(rf"^\s+(?:{wanted})\s", re.MULTILINE)
    return max(blocks, key=lambda block: len(pattern.findall(block)))


_FUNCTION = re.compile(r'^(define|declare) (.*?) @"?([\w.]+)"?\((.*?)\)(.*)$')
_GLOBAL = re.compile(r'^@"?([\w.]+)"? = (.*)$')
_VECTOR_OPERATION = re.compile(r"^\s+(?:%\S+ = )?(\w+) .*?(<\d+ x \w+>)")
_CALL = re.compile(r'call .*?@"?([\w.]+)"?\(')


def outline(module: str) -> str:
    """A module's functions, what they call and what they do with vectors, and its constants."""
    lines: list[str] = []
    operations: Counter[str] = Counter()
    for line in module.splitlines():
        if head := _FUNCTION.match(line):
            kind, result, name, parameters, rest = head.groups()
            types = ", ".join(re.sub(r"\s*%\S+$", "", p.strip()) for p in parameters.split(","))
            flags = " ".join(re.findall(r"noinline|\"tune-cpu\"=\"\S+?\"", rest))
            if kind == "define":
                lines.append(f"{kind} {result} {_plain(name)}({types}) {flags}".rstrip())
            operations = Counter()
        elif constant := _GLOBAL.match(line):
            lines.append(f"{constant[1]} = {constant[2]}")
        elif line.startswith("}"):
            lines += [f"  {count} {what}" for what, count in sorted(operations.items())]
        elif called := _CALL.search(line):
            operations[f"call {_plain(called[1])}"] += 1
        elif operation := _VECTOR_OPERATION.match(line):
            operations[" ".join(operation.groups())] += 1
    return "\n".join(lines) + "\n"


def interface(module: str) -> str:
    """Of a module that another compiler writes, what it offers and the intrinsics that it uses."""
    heads = (_FUNCTION.match(line) for line in module.splitlines())
    names = [f"{head[1]} {_plain(head[3])}" for head in heads if head]
    ours = [name for name in names if re.match(r"\w+ (tvm|llvm)\.", name)]
    return "".join(f"{name}\n" for name in sorted(ours))


def _plain(name: str) -> str:
    """Without what a hash of the contents adds."""
    return re.sub(r"\.[0-9a-f]{20}$", ".#", name)
