"""Sections of docs/performance.md that measurements of their own write, between two marks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ...errors import InputError
from ...files import write_file


@dataclass(frozen=True)
class Section:
    """What ``bench --only NAME`` writes."""

    only: str

    @property
    def begin(self) -> str:
        """The line before it."""
        return f"<!-- {self.only}: written by bench --only {self.only} -->"

    @property
    def end(self) -> str:
        """The line after it."""
        return f"<!-- {self.only}: end -->"

    @property
    def empty(self) -> str:
        """The section before the first measurement."""
        return f"{self.begin}\n{self.end}\n"

    def current(self, page: str) -> str | None:
        """The section as a page has it, marks included; None where it has none."""
        match = self._pattern.search(page)
        return match[0] if match else None

    def rewrite(self, folder: Path, text: str) -> None:
        """Put a text into ``docs/performance.md``; raises InputError where it has no place."""
        path = folder / "docs" / "performance.md"
        try:
            page = path.read_text("utf-8")
        except OSError as error:
            raise InputError(f"{path}: cannot read: {error.strerror}") from error
        if self.current(page) is None:
            raise InputError(f"{path}: lacks the lines {self.begin} and {self.end}")
        section = f"{self.begin}\n{text}{self.end}\n"
        write_file(path, self._pattern.sub(lambda _: section, page).encode())

    @property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(f"{re.escape(self.begin)}\n.*?{re.escape(self.end)}\n", re.DOTALL)
