"""Serves one peer in a process of its own: ``python serve.py RECIPE.py``.

Runs in any Python that has NumPy and the peer, without bnnc. The recipe's ``start`` takes the
request and returns ``turn(seconds, calls)`` and facts: its version and perhaps a note. Requests and
answers are pickles, each after its length in eight bytes; the parent trusts this process, which it
has started.
"""

from __future__ import annotations

import os
import pickle
import runpy
import struct
import sys
from typing import Any, BinaryIO

LENGTH = struct.Struct("<Q")


def send(stream: BinaryIO, value: object) -> None:
    """Write one message."""
    data = pickle.dumps(value)
    stream.write(LENGTH.pack(len(data)) + data)
    stream.flush()


def receive(stream: BinaryIO) -> Any:
    """Read one message; EOFError when the other side is gone."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        raise EOFError("the other side is gone")
    return pickle.loads(stream.read(LENGTH.unpack(head)[0]))


def main(recipe: str) -> None:
    """Answer requests until the parent closes the pipe: first what to run, then turns."""
    # Output of libraries goes to stderr.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    requests = sys.stdin.buffer
    try:
        turn, facts = runpy.run_path(recipe)["start"](receive(requests))
    except (ImportError, RuntimeError, ValueError, TypeError, KeyError) as error:
        send(answers, {"error": str(error) or type(error).__name__})
        return
    send(answers, facts)
    while True:
        try:
            asked = receive(requests)
        except EOFError:
            return
        send(answers, turn(*asked))


if __name__ == "__main__":
    main(sys.argv[1])
