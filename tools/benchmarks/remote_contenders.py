"""Contenders in a process of their own, which take turns with those of this process."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, cast

from .onnx_engines import PeerError
from .workers.serve import receive, send

WORKERS = Path(__file__).resolve().parent / "workers"


class Remote:
    """A peer served by ``workers/serve.py`` with one of the recipes beside it.

    ``python`` is the interpreter that has the peer, ``environment`` has variables that are set for
    it. Raises PeerError with the message of the other side.
    """

    def __init__(
        self,
        recipe: str,
        request: Mapping[str, Any],
        python: str = sys.executable,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        command = [python, str(WORKERS / "serve.py"), str(WORKERS / f"{recipe}.py")]
        hidden = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**hidden, **(environment or {})},
            )
        except OSError as error:
            raise PeerError(f"{python}: cannot be started: {error.strerror}") from error
        self._requests = cast("BinaryIO", self._process.stdin)
        self._answers = cast("BinaryIO", self._process.stdout)
        answer = self._ask(dict(request))
        if "error" in answer:
            self.close()
            raise PeerError(answer["error"].strip().splitlines()[0])
        self.version: str = answer["version"]
        self.note: str | None = answer.get("note")

    def turn(self, seconds: float, calls: int) -> list[float]:
        return self._ask((seconds, calls))

    def close(self) -> None:
        """End the process."""
        self._requests.close()
        self._answers.close()
        self._process.wait()

    def _ask(self, message: object) -> Any:
        try:
            send(self._requests, message)
            return receive(self._answers)
        except (OSError, EOFError, pickle.UnpicklingError) as error:
            raise PeerError(f"its process ended with code {self._process.wait()}") from error
