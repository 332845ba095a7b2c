"""Exit codes, and one clear line on stderr for everything that goes wrong."""

from __future__ import annotations

import os
import sys
import traceback
import warnings
from collections.abc import Callable

from ...errors import BnncError, harmless
from .console import complain, prepare_streams

DONE, MISMATCH, USER, INTERNAL, INTERRUPTED = 0, 1, 2, 70, 130


def guarded(run: Callable[[], int]) -> int:
    """The exit code of ``run``, whatever it raises; BNNC_DEBUG=1 shows tracebacks and warnings."""
    prepare_streams()
    debug = os.environ.get("BNNC_DEBUG", "") not in ("", "0")
    try:
        with warnings.catch_warnings():
            if not debug and not sys.warnoptions:
                warnings.simplefilter("ignore")
            return run()
    except BnncError as error:
        return _failed(str(error), USER, debug)
    except OSError as error:
        where = f"{error.filename}: " if error.filename is not None else ""
        return _failed(f"{where}{error.strerror or error}", USER, debug)
    except MemoryError:
        return _failed("not enough memory", USER, debug)
    except KeyboardInterrupt:
        return _failed("interrupted", INTERRUPTED, debug)
    except Exception as error:  # noqa: BLE001 - the one place that turns a bug into a line
        said = f"internal error: {type(error).__name__}: {error}"
        return _failed(f"{said}; BNNC_DEBUG=1 shows the traceback", INTERNAL, debug)


def _failed(message: str, code: int, debug: bool) -> int:
    if debug and sys.stderr is not None:
        for line in traceback.format_exc().splitlines():
            print(harmless(line), file=sys.stderr)
    complain(message)
    return code
