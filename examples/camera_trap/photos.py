# SPDX-License-Identifier: Apache-2.0
"""Photographs of a camera trap, made up: one place by day and by night, with an animal in every second picture.

Usage: ``photos.py FOLDER [COUNT]``. Each picture is a file ``0000.npy`` of grey levels; ``truth.csv`` says where the animals are.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np

HEIGHT, WIDTH = 960, 1280
SMALLEST, LARGEST = 8, 80
"""Radius of an animal in pixels: far away, and close to the camera."""


def place(random: np.random.Generator) -> np.ndarray:
    """The empty place: a slope, trunks, and leaves."""
    slope = np.linspace(0.35, 0.65, HEIGHT)[:, None] * np.ones((1, WIDTH))
    trunks = 0.12 * np.sin(np.linspace(0, 60, WIDTH))[None, :] ** 8
    leaves = np.kron(random.normal(0, 0.03, (HEIGHT // 8, WIDTH // 8)), np.ones((8, 8)))
    return slope - trunks + leaves


def photograph(
    scene: np.ndarray, random: np.random.Generator, *, is_night: bool, animal: tuple[int, int, int] | None
) -> np.ndarray:
    """One picture of the place; ``animal`` is its row, column and radius."""
    light = scene * (0.35 if is_night else 1.0)
    if animal is not None:
        row, column, radius = animal
        rows, columns = np.ogrid[:HEIGHT, :WIDTH]
        inside = ((rows - row) / radius) ** 2 + ((columns - column) / (1.6 * radius)) ** 2 < 1
        light = np.where(inside, light + (0.2 if is_night else -0.2), light)
    noisy = light + random.normal(0, 0.04 if is_night else 0.02, light.shape)
    return (255 * noisy.clip(0, 1)).astype(np.uint8)


def main(folder: Path, count: int) -> None:
    """Writes the pictures and where the animals are."""
    random = np.random.default_rng(7)
    scene = place(random)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "truth.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(("photo", "row", "column", "radius"))
        for number in range(count):
            radius = int(np.exp(random.uniform(np.log(SMALLEST), np.log(LARGEST))))
            where = int(random.integers(radius, HEIGHT - radius)), int(random.integers(2 * radius, WIDTH - 2 * radius))
            animal = (*where, radius) if number % 2 else None
            name = f"{number:04}.npy"
            np.save(folder / name, photograph(scene, random, is_night=number % 4 > 1, animal=animal))
            if animal is not None:
                table.writerow((name, *animal))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 200)
