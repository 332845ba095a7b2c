"""Every exception that bnnc raises on purpose. Standard library only."""

from __future__ import annotations

import enum
from collections.abc import Sequence


class BnncError(Exception):
    """Base of all errors caused by the user's input or environment; commands exit with 2.

    The message is one line: ``file: node 'conv3' (Conv): what is wrong; expected X, got Y; what
    to do``. Whatever texts of files and libraries are part of it, it stays one (`one_line`).
    """

    def __str__(self) -> str:
        return one_line(super().__str__())


def one_line(text: str) -> str:
    """The text on one line, other control characters made harmless."""
    return harmless(" ".join(text.split("\n"))).strip()


def harmless(text: str) -> str:
    """The text with escapes for everything that does not print: names in a model may hold what a
    terminal obeys."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


class Limit(enum.Enum):
    """In which way bnnc takes less than ONNX allows; docs/operators.md states every limit."""

    OPERATOR = "operator"
    OPSET = "opset"
    TYPE = "element type"
    KIND = "sequence, map or optional value"
    CONSTANT = "parameter computed at run time"
    SHAPE = "shape known only at run time"
    BATCH = "symbolic batch elsewhere than first"
    RANK = "number of axes"
    FORM = "attribute or form"
    OUTPUT = "optional output"
    TRAINING = "training mode"
    EMPTY = "tensor without elements"
    VALUE = "number in a constant"


class ModelError(BnncError):
    """A model file cannot be read, is malformed, or uses what bnnc does not support.

    ``problems`` lists every finding, so that one run names every node at fault; ``limits`` has an
    entry for each: the limit of bnnc that was met, None when the model itself is wrong.
    """

    def __init__(
        self,
        message: str,
        problems: Sequence[str] = (),
        limits: Sequence[Limit | None] = (None,),
    ) -> None:
        super().__init__(message)
        self.problems = tuple(problems)
        self.limits = tuple(limits)


class ModelFileError(ModelError, OSError):
    """A model's file cannot be opened or read; ``errno`` and ``filename`` as in any OSError."""

    def __init__(self, number: int, reason: str, path: str) -> None:
        OSError.__init__(self, number, reason, path)
        self.problems = (f"cannot be read: {reason}",)
        self.limits = (None,)

    def __str__(self) -> str:
        return one_line(f"{self.filename}: {self.problems[0]}")


class ModelNotFoundError(ModelFileError, FileNotFoundError):
    """There is no such model."""


class ParseError(BnncError):
    """The IR's text form is malformed; the message starts with ``file:line:``."""


class VerifyError(BnncError):
    """A graph breaks a rule of its stage or of an operator's types."""


class PassError(BnncError):
    """A pass is unknown, has wrong options, or refuses the graph it is given."""


class LoweringError(BnncError):
    """A backend has no kernel for an operator; lists every one of them."""


class TargetError(BnncError):
    """An unknown target, or one that this machine cannot run."""


class BackendError(BnncError):
    """A backend or the linker is missing or failed."""


class ArtifactError(BnncError):
    """An artifact is damaged, too new, or made for another machine."""


class ArtifactFileError(ArtifactError, OSError):
    """An artifact's file cannot be opened or read; ``errno`` and ``filename`` as in any OSError."""

    def __str__(self) -> str:
        return one_line(f"{self.filename}: cannot read the artifact: {self.strerror}")


class ArtifactNotFoundError(ArtifactFileError, FileNotFoundError):
    """There is no such artifact."""


class InputError(BnncError, ValueError):
    """A tensor handed to a model has the wrong name, shape or data type."""


class OutputError(BnncError):
    """A result cannot be written (folder missing, not writable, disk full)."""
