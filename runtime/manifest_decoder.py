"""Strict decoding of the manifest's JSON text, which may come from a damaged file."""

from __future__ import annotations

import json
import re
from typing import cast

from ..errors import ArtifactError
from .manifest import (
    ABI,
    FORMAT,
    ITEM_BYTES,
    MAX_RANK,
    MAX_TENSOR_BYTES,
    Dim,
    Kernel,
    Layer,
    Manifest,
    Option,
    Rounds,
    Source,
    Target,
    Tensor,
    Workspace,
)

_CHECKSUM = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)
_SYMBOLIC = re.compile(r"([1-9][0-9]{0,8})?N", re.ASCII)
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}", re.ASCII)
_FEATURE = re.compile(r"[a-z0-9_]{1,64}", re.ASCII)


def parse(text: bytes, path: str) -> object:
    """The JSON value of a manifest's text; ArtifactError when it is no JSON or a newer format.

    The format is looked at here, before the other fields, which may differ in a newer one.
    """
    try:
        value: object = json.loads(
            text.decode("utf-8"), parse_constant=_refuse_constant, object_pairs_hook=_unique
        )
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else error
        raise ArtifactError(f"{path}: manifest: not valid JSON: {reason}") from None
    _check_format(value, path)
    return value


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key occurs twice")
    return result


def _check_format(value: object, path: str) -> None:
    for key, ours in (("format", FORMAT), ("abi", ABI)):
        theirs = cast("dict[str, object]", value).get(key) if isinstance(value, dict) else None
        if type(theirs) is int and theirs != ours:
            newer = theirs > ours
            age, advice = ("a newer", "upgrade") if newer else ("an older", "compile it again")
            raise ArtifactError(
                f"{path}: made by {age} bnnc ({key} {theirs}, this one reads {ours}): {advice}"
            )


def decode(value: object, path: str) -> Manifest:
    """The manifest of a parsed text; ArtifactError names the first field that is wrong.

    Unknown keys are refused: a new field needs a new format number.
    """
    top = Fields(value, f"{path}: manifest")
    target, workspace, source = (top.child(key) for key in ("target", "workspace", "source"))
    manifest = Manifest(
        abi=top.integer("abi", ABI, ABI),
        format=top.integer("format", FORMAT, FORMAT),
        bnnc=top.string("bnnc"),
        name=top.string("name"),
        prefix=top.string("prefix", _IDENTIFIER),
        checksum=top.string("checksum", _CHECKSUM),
        target=_decode_target(target),
        inputs=tuple(_decode_tensor(item) for item in top.children("inputs")),
        outputs=tuple(_decode_tensor(item) for item in top.children("outputs")),
        workspace=Workspace(
            workspace.size("per_batch"),
            workspace.size("fixed"),
            workspace.size("per_thread"),
            _decode_rounds(workspace.child("rounds")),
        ),
        expanded_constants=top.size("expanded_constants"),
        constants=top.size("constants"),
        options=top.options("options"),
        linker=top.string("linker"),
        source=Source(
            source.string("sha256"),
            source.size("bytes"),
            source.size("opset"),
            source.string("producer"),
        ),
        layers=tuple(_decode_layer(item) for item in top.children("layers")),
        kernels=tuple(_decode_kernel(item) for item in top.children("kernels")),
    )
    for fields in (top, workspace, source):
        fields.finish()
    _check_tensors(manifest, f"{path}: manifest")
    return manifest


def _decode_target(fields: Fields) -> Target:
    target = Target(
        fields.string("name"),
        fields.string("triple"),
        fields.string("machine"),
        fields.string("cpu"),
        fields.features("features"),
    )
    fields.finish()
    return target


def _decode_tensor(fields: Fields) -> Tensor:
    dtype = fields.string("dtype")
    if dtype not in ITEM_BYTES:
        raise fields.wrong("dtype", f"one of {', '.join(ITEM_BYTES)}", dtype)
    tensor = Tensor(fields.string("name"), dtype, fields.shape("shape"))
    if tensor.nbytes(1) > MAX_TENSOR_BYTES:
        raise fields.wrong("shape", f"at most {MAX_TENSOR_BYTES} bytes", list(tensor.shape))
    fields.finish()
    return tensor


def _decode_rounds(fields: Fields) -> Rounds:
    rounds = Rounds(
        fields.size("steps"), fields.integer("samples", 1, 1 << 31), fields.size("per_sample")
    )
    fields.finish()
    return rounds


def _decode_layer(fields: Fields) -> Layer:
    layer = Layer(
        fields.string("name"),
        fields.string("op"),
        fields.boolean("binarized"),
        fields.string("reason"),
        fields.shape("input"),
        fields.shape("output"),
        fields.size("macs"),
        fields.size("binary_macs"),
        fields.size("weight_bytes"),
        fields.string("window"),
        fields.integer("activation_bits", 1, 32),
        fields.integer("weight_bits", 1, 32),
    )
    fields.finish()
    return layer


def _decode_kernel(fields: Fields) -> Kernel:
    kernel = Kernel(
        fields.string("name"),
        fields.string("op"),
        fields.string("kernel"),
        fields.shape("output"),
        fields.size("macs"),
        fields.size("cycles"),
        fields.size("steps"),
        fields.size("weights"),
        fields.size("weight_bytes"),
    )
    fields.finish()
    return kernel


def _check_tensors(manifest: Manifest, where: str) -> None:
    """Names occur once on each side, and outputs take their batch from an input."""
    for side, tensors in (("inputs", manifest.inputs), ("outputs", manifest.outputs)):
        if len({tensor.name for tensor in tensors}) != len(tensors):
            raise ArtifactError(f"{where}: {side}: a name occurs twice")
    if not manifest.symbolic and any(tensor.symbolic for tensor in manifest.outputs):
        raise ArtifactError(f"{where}: outputs: a symbolic dimension that no input has")
    if not manifest.outputs:
        raise ArtifactError(f"{where}: outputs: expected at least one")


class Fields:
    """Typed access to one JSON object; every complaint says where, what was expected and found."""

    def __init__(self, value: object, where: str) -> None:
        if not isinstance(value, dict):
            raise ArtifactError(f"{where}: expected an object, got {_short(value)}")
        self.values = cast("dict[str, object]", value)
        self.where = where
        self._read: set[str] = set()

    def wrong(self, key: str, expected: str, got: object) -> ArtifactError:
        """The error for a field that is not as it must be."""
        return ArtifactError(f"{self.where}: {key}: expected {expected}, got {_short(got)}")

    def finish(self) -> None:
        """Refuse keys that nobody asked for."""
        unknown = sorted(self.values.keys() - self._read)
        if unknown:
            raise ArtifactError(f"{self.where}: unknown key {_short(unknown[0])}")

    def _get(self, key: str) -> object:
        if key not in self.values:
            raise ArtifactError(f"{self.where}: {key} is missing")
        self._read.add(key)
        return self.values[key]

    def string(self, key: str, pattern: re.Pattern[str] | None = None) -> str:
        value = self._get(key)
        if not isinstance(value, str) or not _is_text(value):
            raise self.wrong(key, "text", value)
        if pattern is not None and not pattern.fullmatch(value):
            raise self.wrong(key, f"text of the form {pattern.pattern}", value)
        return value

    def integer(self, key: str, low: int, high: int) -> int:
        value = self._get(key)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise self.wrong(key, f"an integer from {low} to {high}", value)
        return value

    def size(self, key: str) -> int:
        return self.integer(key, 0, (1 << 63) - 1)

    def boolean(self, key: str) -> bool:
        value = self._get(key)
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false", value)
        return value

    def child(self, key: str) -> Fields:
        return Fields(self._get(key), f"{self.where}: {key}")

    def items(self, key: str) -> list[object]:
        """A list of any JSON values."""
        value = self._get(key)
        if not isinstance(value, list):
            raise self.wrong(key, "a list", value)
        return cast("list[object]", value)

    def children(self, key: str) -> list[Fields]:
        return [
            Fields(value, f"{self.where}: {key}[{index}]")
            for index, value in enumerate(self.items(key))
        ]

    def features(self, key: str) -> tuple[str, ...]:
        values = self.items(key)
        if not all(isinstance(value, str) and _FEATURE.fullmatch(value) for value in values):
            raise self.wrong(key, "names of CPU features", values)
        return tuple(cast("list[str]", values))

    def shape(self, key: str) -> tuple[Dim, ...]:
        values = self.items(key)
        if len(values) > MAX_RANK or not all(_is_dim(value) for value in values):
            raise self.wrong(key, f'at most {MAX_RANK} dimensions (1 and up, "N", "4N")', values)
        return tuple(cast("list[Dim]", values))

    def options(self, key: str) -> dict[str, Option]:
        fields = self.child(key)
        for name, value in fields.values.items():
            flat = cast("list[object]", value if isinstance(value, list) else [value])
            if not all(_is_scalar(item) for item in [name, *flat]):
                raise fields.wrong(name, "a scalar or a list of scalars", flat)
        return cast("dict[str, Option]", fields.values)


def _is_text(value: str) -> bool:
    """Whether UTF-8 can hold it: JSON may spell half of a surrogate pair; C needs no NUL."""
    return not any("\ud800" <= letter <= "\udfff" or letter == "\0" for letter in value)


def _is_dim(value: object) -> bool:
    if isinstance(value, str):
        return _SYMBOLIC.fullmatch(value) is not None
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 31


def _is_scalar(value: object) -> bool:
    if isinstance(value, str):
        return _is_text(value)
    return value is None or isinstance(value, (int, float))


def _short(value: object) -> str:
    """The value in a message, at most 60 characters of it."""
    text = ascii(value)
    return text if len(text) <= 60 else text[:57] + "..."
