# SPDX-License-Identifier: Apache-2.0
"""Finds animals in the photographs of a camera trap: what differs from the empty place, in regions large enough.

Usage: ``detect.py FOLDER --size 640``. The size is the width to which each photograph is reduced first: a larger one finds
smaller animals and costs more. Writes ``found.csv`` and says how many animals of ``truth.csv`` were found.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

CELL = 4
"""Side of a cell, in pixels of the reduced photograph."""
NOISES = 2.5
"""How many times its noise a cell differs from the empty place where something is there."""
CELLS_MIN = 4
"""Cells that touch one another and make an animal: fewer are noise."""
BACKGROUND_OF = 24
"""Photographs of each light that the empty place is the median of."""


class Region(NamedTuple):
    """A region that differs, in pixels of the original photograph."""

    row: float
    column: float
    cells: int


def read(path: Path, size: int) -> np.ndarray:
    """A photograph, reduced to ``size`` pixels of width by the mean of each square."""
    photo = np.load(path)
    step = max(1, photo.shape[1] // size)
    rows, columns = (length // step * step for length in photo.shape)
    squares = photo[:rows, :columns].reshape(rows // step, step, columns // step, step)
    small: np.ndarray = squares.mean(axis=(1, 3), dtype=np.float32)
    return small


def empty_place(photos: list[np.ndarray]) -> np.ndarray:
    """What stays when whatever moves is gone."""
    place: np.ndarray = np.median(np.stack(photos), axis=0)
    return place


def cells(photo: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Which cells of a photograph differ from the empty place."""
    rows, columns = (length // CELL * CELL for length in photo.shape)
    difference = (photo - place)[:rows, :columns].reshape(rows // CELL, CELL, columns // CELL, CELL)
    mean = difference.mean(axis=(1, 3))
    noise = 1.4826 * np.median(np.abs(mean - np.median(mean)))
    return np.asarray(np.abs(mean) > max(NOISES * noise, 12.0))


def regions(differs: np.ndarray, scale: float) -> Iterator[Region]:
    """Cells that touch one another, as regions; ``scale`` is the side of a cell in the original photograph."""
    left = {(int(row), int(column)) for row, column in np.argwhere(differs)}
    while left:
        stack = [left.pop()]
        members = []
        while stack:
            row, column = stack.pop()
            members.append((row, column))
            for near in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
                if near in left:
                    left.remove(near)
                    stack.append(near)
        if len(members) >= CELLS_MIN:
            middle = np.mean(members, axis=0) + 0.5
            yield Region(float(middle[0] * scale), float(middle[1] * scale), len(members))


def detect(folder: Path, size: int) -> dict[str, list[Region]]:
    """The regions of every photograph that has some."""
    paths = sorted(folder.glob("*.npy"))
    photos = {path.name: read(path, size) for path in paths}
    is_night = {name: float(photo.mean()) < 80 for name, photo in photos.items()}
    places = {}
    for night in set(is_night.values()):
        places[night] = empty_place([photos[name] for name in photos if is_night[name] == night][:BACKGROUND_OF])
    found = {}
    for name, photo in photos.items():
        scale = CELL * np.load(folder / name, mmap_mode="r").shape[1] / photo.shape[1]
        if seen := list(regions(cells(photo, places[is_night[name]]), scale)):
            found[name] = seen
    return found


def main() -> None:
    """Detects, writes the table and says how well it went."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", type=int, default=640)
    asked = parser.parse_args()
    found = detect(asked.folder, asked.size)
    with (asked.folder / "found.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(("photo", "row", "column", "cells"))
        table.writerows((name, *region) for name, seen in found.items() for region in seen)
    with (asked.folder / "truth.csv").open(newline="", encoding="utf-8") as file:
        animals = list(csv.DictReader(file))
    hits = sum(
        any(
            abs(r.row - float(a["row"])) < 60 and abs(r.column - float(a["column"])) < 60
            for r in found.get(a["photo"], ())
        )
        for a in animals
    )
    empty = len(found.keys() - {animal["photo"] for animal in animals})
    print(f"size {asked.size}: {hits} of {len(animals)} animals found, {empty} photographs without an animal reported")


if __name__ == "__main__":
    main()
