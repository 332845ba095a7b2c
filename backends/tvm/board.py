"""Boards of TVM's RPC tracker, on which a search measures."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from typing import Any

from tvm import rpc

from ...errors import BackendError

_SESSION_SECONDS = 60
"""For one measurement: the board gives up, and is free again, when that takes longer."""
_ANSWER_SECONDS = 5


@dataclass(frozen=True)
class Board:
    """Boards that a tracker at an address knows by a key."""

    host: str
    port: int
    key: str

    @classmethod
    def parse(cls, text: str) -> Board:
        """``HOST:PORT/KEY``; BackendError where it is something else."""
        address, _, key = text.partition("/")
        host, _, port = address.rpartition(":")
        number = int(port) if port.isascii() and port.isdecimal() else 0
        if not (host and 0 < number < 1 << 16 and key):
            raise BackendError(f"tracker {text!r}: expected HOST:PORT/KEY")
        return cls(host.removeprefix("[").removesuffix("]"), number, key)

    def connect(self) -> Any:
        """A session on a free board; waits while all are busy. BackendError says what is wrong."""
        where = f"tracker {self.host}:{self.port}"
        try:
            # TVM would try again for a minute.
            socket.create_connection((self.host, self.port), _ANSWER_SECONDS).close()
            tracker: Any = rpc.connect_tracker(self.host, self.port)
            known, end = _keys(tracker), time.monotonic() + _ANSWER_SECONDS
            while self.key not in known and time.monotonic() < end:  # it may be about to register
                time.sleep(0.1)
                known = _keys(tracker)
            if self.key not in known:
                others = ", ".join(sorted(set(known))) or "none"
                raise BackendError(f"{where}: no board {self.key!r}; it knows {others}")
            return tracker.request(self.key, session_timeout=_SESSION_SECONDS)
        except (OSError, RuntimeError, ValueError) as error:
            raise BackendError(f"{where}: {reason(error)}") from error


def _keys(tracker: Any) -> list[str]:
    """Keys of the boards that a tracker knows, one for each."""
    return [one["key"].removeprefix("server:") for one in tracker.summary()["server_info"]]


def reason(error: object) -> str:
    """The last line of what TVM says went wrong."""
    return (str(error).strip() or type(error).__name__).splitlines()[-1]
