"""docs/options.md: what may be asked of a compilation, printed from `options`.

``python -m bnnc.tools.option_docs [FILE]`` writes to FILE, or prints.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..options import FLAGS, Flag, Options
from .generated_page import write_page

HEAD = """\
# Options

`make options` writes this file from `options.py`, where each option of `bnnc compile` stands once:
the flag, and the keyword of `bnnc.compile` (a field of `bnnc.Options`). `bnnc compile` also takes
the model, `--target`, `--output`, `--verbose` and `--quiet`; `bnnc.compile` the model, `target`,
`output`, `options` and `progress`.

A keyword replaces the field of `options` that it names:

```python
small = bnnc.Options(compress=True, exact_float=True)
model = bnnc.compile("net.onnx", options=small)
bnnc.compile("net.onnx", "arm64", "net.so", options=small, prefix="net")
```

Without `output` the model is compiled in memory and loaded, for this machine only.

What an artifact was compiled with stands in its manifest, as far as the code depends on it.

| flag | keyword | default | what it does | in the manifest |
|---|---|---|---|---|
"""


def text() -> str:
    """The whole file."""
    return HEAD + "".join(f"{row}\n" for row in _rows())


def _rows() -> Iterator[str]:
    for name, flag in FLAGS.items():
        entry = f"`{flag.manifest}`" if flag.manifest is not None else ""
        cells = (_usage(flag), f"`{name}`", f"`{_default(name)}`", flag.help, entry)
        yield f"| {' | '.join(cells)} |"


def _usage(flag: Flag) -> str:
    values = flag.metavar if flag.choices is None else ",".join(flag.choices)
    return f"`{flag.name} {values}`" if values else f"`{flag.name}`"


def _default(name: str) -> str:
    value: object = getattr(Options, name)
    return f'"{value}"' if isinstance(value, str) else repr(value)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of ``python -m bnnc.tools.option_docs``."""
    return write_page("bnnc.tools.option_docs", __doc__, text(), argv)


if __name__ == "__main__":
    raise SystemExit(main())
