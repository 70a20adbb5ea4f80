# SPDX-License-Identifier: Apache-2.0
"""Landscapes drawn by arithmetic: the originals of the portal's pictures.

A scene is a sky, ridges that fade with distance, and one motif. All noise comes from a generator seeded by
the name of the scene, so the same picture comes out on every machine of the same NumPy release.
"""

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Colour = tuple[float, float, float]

HERO_SIZE: Final = (2400, 960)
CARD_SIZE: Final = (1600, 1000)
_GRAIN: Final = 0.035
"""Standard deviation of the film grain, as a share of full brightness."""

_PNG_FAST: Final = 1
"""Compression level of the oversized originals: what a hurried export does."""


@dataclass(frozen=True, slots=True)
class Scene:
    """How a picture looks: colours from 0 to 1, heights as fractions of the picture."""

    motif: str
    sky_top: Colour
    sky_low: Colour
    near: Colour
    sun: tuple[float, float] | None
    ridges: int
    horizon: float
    size: tuple[int, int] = CARD_SIZE


SCENES: Final[dict[str, Scene]] = {
    "hero": Scene(
        "turbines", (0.16, 0.38, 0.55), (0.98, 0.84, 0.62), (0.06, 0.24, 0.22),
        (0.72, 0.46), 6, 0.50, HERO_SIZE,
    ),
    "workshop": Scene(
        "factory", (0.36, 0.50, 0.62), (0.96, 0.87, 0.74), (0.20, 0.19, 0.20),
        (0.25, 0.42), 3, 0.62,
    ),
    "turbines": Scene(
        "turbines", (0.30, 0.58, 0.80), (0.92, 0.95, 0.93), (0.14, 0.38, 0.20),
        (0.80, 0.22), 5, 0.58,
    ),
    "solar": Scene(
        "panels", (0.25, 0.52, 0.82), (0.95, 0.93, 0.82), (0.30, 0.34, 0.16),
        (0.60, 0.18), 4, 0.45,
    ),
    "harbour": Scene(
        "water", (0.20, 0.34, 0.52), (0.98, 0.72, 0.55), (0.10, 0.18, 0.28),
        (0.50, 0.44), 3, 0.50,
    ),
    "bakery": Scene(
        "street", (0.52, 0.44, 0.50), (0.99, 0.82, 0.60), (0.30, 0.18, 0.14),
        (0.35, 0.40), 2, 0.66,
    ),
    "greenhouse": Scene(
        "panels", (0.48, 0.68, 0.74), (0.94, 0.97, 0.90), (0.16, 0.42, 0.22),
        None, 4, 0.48,
    ),
    "bridge": Scene(
        "water", (0.44, 0.56, 0.66), (0.90, 0.90, 0.88), (0.18, 0.26, 0.30),
        None, 5, 0.54,
    ),
    "street": Scene(
        "street", (0.22, 0.26, 0.42), (0.95, 0.66, 0.50), (0.12, 0.12, 0.18),
        (0.66, 0.52), 2, 0.70,
    ),
    "forest": Scene(
        "trees", (0.52, 0.66, 0.66), (0.93, 0.94, 0.86), (0.05, 0.20, 0.13),
        (0.40, 0.24), 6, 0.44,
    ),
    "vineyard": Scene(
        "rows", (0.40, 0.60, 0.80), (0.99, 0.92, 0.72), (0.36, 0.38, 0.12),
        (0.20, 0.30), 4, 0.46,
    ),
    "rails": Scene(
        "rows", (0.55, 0.60, 0.66), (0.94, 0.90, 0.86), (0.26, 0.25, 0.26),
        None, 4, 0.52,
    ),
}  # fmt: skip


def render(name: str) -> NDArray[np.uint8]:
    """Draw a scene at its full size.

    Args:
        name: a key of `SCENES`.

    Returns:
        Height x width x 3 array of sRGB bytes.
    """
    scene = SCENES[name]
    # Reproducible texture; the seed is the name itself.
    noise = np.random.default_rng(list(name.encode()))
    width, height = scene.size
    x, y = np.linspace(0, 1, width), np.linspace(0, 1, height)[:, None]
    canvas = _sky(scene, x, y, noise)
    for layer in range(scene.ridges):
        depth = (layer + 1) / scene.ridges
        crest = scene.horizon + 0.34 * (depth - 0.35) - 0.14 * (1.3 - depth) * _fractal_line(noise, width, 5)
        colour = _mix(np.asarray(scene.sky_low), np.asarray(scene.near), depth**1.3)
        mask = np.clip((y - crest) * height / 1.5, 0, 1)[..., None]
        shade = 1 + 0.30 * depth * (_texture(noise, height, width, 24) - 0.5)[..., None]
        canvas = canvas * (1 - mask) + mask * colour * shade
        if layer == scene.ridges - 2 and scene.motif not in _GROUND_MOTIFS:
            canvas = _MOTIFS[scene.motif](canvas, scene, noise)
    if scene.motif in _GROUND_MOTIFS:
        canvas = _MOTIFS[scene.motif](canvas, scene, noise)
    grain = noise.normal(0, _GRAIN, (height, width, 1))
    vignette = 1 - 0.22 * ((x - 0.5) ** 2 + (y - 0.5) ** 2)[..., None]
    return (np.clip(canvas * vignette + grain, 0, 1) * 255).astype(np.uint8)


def encode_png(pixels: NDArray[np.uint8]) -> bytes:
    """Encode an RGB picture as PNG (W3C PNG, filter type 1, `Sub`, on every line).

    Args:
        pixels: height x width x 3 array.

    Returns:
        The file.
    """
    height, width, _ = pixels.shape
    differences = pixels.copy()
    differences[:, 1:] -= pixels[:, :-1]
    lines = np.concatenate([np.ones((height, 1), dtype=np.uint8), differences.reshape(height, width * 3)], axis=1)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(lines.tobytes(), _PNG_FAST)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _sky(scene: Scene, x: Array, y: Array, noise: np.random.Generator) -> Array:
    height, width = y.shape[0], x.shape[0]
    blend = np.clip(y / scene.horizon, 0, 1)[..., None] ** 1.4
    canvas = _mix(np.asarray(scene.sky_top), np.asarray(scene.sky_low), blend) * np.ones((height, width, 1))
    clouds = np.clip(_texture(noise, height, width, 4) * 1.7 - 0.75, 0, 1)[..., None] * (1 - blend) * 0.75
    canvas = _mix(canvas, np.asarray((1.0, 0.98, 0.95)), clouds)
    if scene.sun is not None:
        distance = np.hypot((x - scene.sun[0]) * width / height, y - scene.sun[1])[..., None]
        canvas = canvas + np.asarray((1.0, 0.86, 0.62)) * (0.55 * np.exp(-distance * 6) + (distance < 0.045) * 0.5)
    return canvas


def _mix(first: Array, second: Array, share: Array | float) -> Array:
    return first * (1 - share) + second * share


def _fractal_line(noise: np.random.Generator, width: int, octaves: int) -> Array:
    """Return a rugged line of values around 0 to 1: sums of ever finer, ever weaker noise."""
    line: Array = np.zeros(width)
    position = np.linspace(0, 1, width)
    for octave in range(octaves):
        knots = 3 * 2**octave + 1
        line += np.interp(position, np.linspace(0, 1, knots), noise.random(knots)) / 2**octave
    return line / 2 + 0.05


def _texture(noise: np.random.Generator, height: int, width: int, cells: int) -> Array:
    """Return smooth noise from 0 to 1: three octaves of random grids, interpolated."""
    total: Array = np.zeros((height, width))
    for octave in range(3):
        knots = cells * 2**octave + 2
        grid = noise.random((knots, knots))
        across = np.linspace(0, knots - 1, width)
        down = np.linspace(0, knots - 1, height)
        columns = np.stack([np.interp(across, np.arange(knots), row) for row in grid])
        lower = np.floor(down).astype(int).clip(0, knots - 2)
        share = (down - lower)[:, None]
        total += (columns[lower] * (1 - share) + columns[lower + 1] * share) / 2**octave
    return total / 1.75


def _turbines(canvas: Array, scene: Scene, noise: np.random.Generator) -> Array:
    for left in np.linspace(0.10, 0.92, 6) + noise.uniform(-0.03, 0.03, 6):
        size, base = noise.uniform(0.16, 0.34), scene.horizon + 0.20
        hub = (left, base - size)
        canvas = _stroke(canvas, (left, base), hub, 0.0050, (0.97, 0.97, 0.96))
        turn = noise.uniform(0, 2)
        for blade in range(3):
            angle = turn + blade * 2 * np.pi / 3
            tip = (
                left + 0.55 * size * np.sin(angle) * canvas.shape[0] / canvas.shape[1],
                hub[1] - 0.55 * size * np.cos(angle),
            )
            canvas = _stroke(canvas, hub, tip, 0.0038, (0.99, 0.99, 0.98))
    return canvas


def _factory(canvas: Array, scene: Scene, noise: np.random.Generator) -> Array:
    left = 0.08
    while left < 0.90:
        width, top = noise.uniform(0.07, 0.15), scene.horizon - noise.uniform(0.02, 0.18)
        canvas = _box(canvas, (left, top, left + width, scene.horizon + 0.30), (0.44, 0.29, 0.25))
        for column in np.arange(left + 0.012, left + width - 0.012, 0.024):
            for row in np.arange(top + 0.03, scene.horizon + 0.20, 0.055):
                lit = (0.99, 0.84, 0.52) if noise.random() < 0.45 else (0.24, 0.27, 0.32)
                canvas = _box(canvas, (column, row, column + 0.014, row + 0.032), lit)
        if noise.random() < 0.6:
            canvas = _box(canvas, (left + 0.02, top - 0.20, left + 0.034, top), (0.52, 0.36, 0.31))
        left += width + noise.uniform(0.005, 0.03)
    return canvas


def _street(canvas: Array, scene: Scene, noise: np.random.Generator) -> Array:
    left = -0.02
    tones = ((0.86, 0.76, 0.62), (0.78, 0.56, 0.44), (0.64, 0.66, 0.66), (0.90, 0.84, 0.74))
    while left < 1:
        width, top = noise.uniform(0.09, 0.14), scene.horizon - noise.uniform(0.22, 0.40)
        tone = tones[int(noise.integers(len(tones)))]
        canvas = _box(canvas, (left, top, left + width, 1.0), tone)
        canvas = _box(canvas, (left - 0.004, top - 0.030, left + width + 0.004, top), (0.34, 0.22, 0.20))
        for column in np.arange(left + 0.014, left + width - 0.02, 0.032):
            for row in np.arange(top + 0.05, scene.horizon - 0.06, 0.105):
                lit = (1.0, 0.87, 0.58) if noise.random() < 0.35 else (0.30, 0.36, 0.44)
                canvas = _box(canvas, (column, row, column + 0.017, row + 0.062), lit)
        awning = tuple(float(part) for part in noise.uniform(0.2, 0.7, 3))
        canvas = _box(canvas, (left + 0.010, scene.horizon, left + width - 0.010, scene.horizon + 0.045), awning)
        canvas = _box(canvas, (left + 0.016, scene.horizon + 0.045, left + width - 0.016, 0.86), (0.99, 0.88, 0.66))
        left += width
    return canvas


def _panels(canvas: Array, scene: Scene, noise: np.random.Generator) -> Array:
    for row in range(9):
        depth = row / 8
        top = scene.horizon + 0.12 + 0.50 * depth**1.5
        tall = 0.016 + 0.055 * depth
        step = 0.035 + 0.060 * depth
        for left in np.arange(-0.05 + 0.5 * step * (row % 2), 1.05, step):
            shine = float(noise.uniform(0.85, 1.15))
            colour = (0.13 * shine, 0.24 * shine, 0.42 * shine)
            canvas = _box(canvas, (left, top, left + step * 0.86, top + tall), colour)
            canvas = _box(canvas, (left, top, left + step * 0.86, top + tall * 0.12), (0.80, 0.88, 0.94))
    return canvas


def _water(canvas: Array, scene: Scene, noise: np.random.Generator) -> Array:
    height, width = canvas.shape[:2]
    start = int((scene.horizon + 0.10) * height)
    rows = height - start
    mirror = canvas[start - np.minimum(np.arange(rows) + 1, start)]
    ripple = (0.80 + 0.22 * _texture(noise, rows, width, 60))[..., None]
    canvas = canvas.copy()
    canvas[start:] = mirror * ripple * 0.82 + 0.08 * np.asarray((0.20, 0.38, 0.50))
    for left in np.linspace(0.12, 0.84, 4):
        deck = scene.horizon + 0.06
        canvas = _stroke(canvas, (left, deck + 0.05), (left, deck - 0.20), 0.006, (0.26, 0.22, 0.24))
        canvas = _stroke(canvas, (left, deck - 0.20), (left + 0.12, deck + 0.02), 0.003, (0.30, 0.26, 0.28))
        canvas = _stroke(canvas, (left, deck - 0.20), (left - 0.12, deck + 0.02), 0.003, (0.30, 0.26, 0.28))
    return _box(canvas, (0.0, scene.horizon + 0.08, 1.0, scene.horizon + 0.10), (0.28, 0.24, 0.26))


def _trees(canvas: Array, scene: Scene, noise: np.random.Generator) -> Array:
    for left in np.sort(noise.uniform(0, 1, 46)):
        size, base = noise.uniform(0.12, 0.34), scene.horizon + noise.uniform(0.20, 0.42)
        tone = float(noise.uniform(0.6, 1.2))
        colour = (scene.near[0] * tone, scene.near[1] * tone * 1.3, scene.near[2] * tone)
        for part in range(40):
            share = part / 40
            spread = (0.004 + 0.040 * share) * size / 0.24
            top = base - size * (1 - share)
            canvas = _box(canvas, (left - spread, top, left + spread, top + size / 36), colour)
    return canvas


def _rows(canvas: Array, scene: Scene, noise: np.random.Generator) -> Array:
    vanishing = (0.56, scene.horizon + 0.10)
    for foot in np.linspace(-0.9, 1.9, 26):
        tone = float(noise.uniform(0.7, 1.2))
        colour = (scene.near[0] * tone, scene.near[1] * tone * 1.1, scene.near[2] * tone)
        canvas = _stroke(canvas, (foot, 1.02), vanishing, 0.010, colour, taper=True)
    return canvas


_MOTIFS: Final[dict[str, Callable[[Array, Scene, np.random.Generator], Array]]] = {
    "turbines": _turbines,
    "factory": _factory,
    "street": _street,
    "panels": _panels,
    "water": _water,
    "trees": _trees,
    "rows": _rows,
}

_GROUND_MOTIFS: Final = frozenset({"panels", "water", "rows"})
"""Motifs that lie on the nearest ridge; the others stand behind it."""


def _box(canvas: Array, edges: tuple[float, ...], colour: tuple[float, ...]) -> Array:
    """Fill a rectangle given as fractions: left, top, right, bottom."""
    height, width = canvas.shape[:2]
    left, top, right, bottom = edges
    rows = slice(max(int(top * height), 0), max(int(bottom * height), 0))
    columns = slice(max(int(left * width), 0), max(int(right * width), 0))
    fade = np.linspace(1.08, 0.90, max(rows.stop - rows.start, 1))[: canvas[rows].shape[0], None, None]
    canvas[rows, columns] = np.asarray(colour) * fade
    return canvas


def _stroke(
    canvas: Array,
    start: tuple[float, float],
    end: tuple[float, float],
    thickness: float,
    colour: Colour,
    *,
    taper: bool = False,
) -> Array:
    """Draw an anti-aliased line; `thickness` is a fraction of the height, and `taper` thins it to its end."""
    height, width = canvas.shape[:2]
    (x0, y0), (x1, y1) = (start[0] * width, start[1] * height), (end[0] * width, end[1] * height)
    margin = thickness * height + 2
    top, bottom = int(max(min(y0, y1) - margin, 0)), int(min(max(y0, y1) + margin, height))
    left, right = int(max(min(x0, x1) - margin, 0)), int(min(max(x0, x1) + margin, width))
    if top >= bottom or left >= right:
        return canvas
    y, x = np.mgrid[top:bottom, left:right]
    length_squared = max((x1 - x0) ** 2 + (y1 - y0) ** 2, 1.0)
    along = np.clip(((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / length_squared, 0, 1)
    distance = np.hypot(x - x0 - along * (x1 - x0), y - y0 - along * (y1 - y0))
    radius = thickness * height * (1.05 - along if taper else 1.0)
    cover = np.clip(radius - distance + 0.5, 0, 1)[..., None]
    canvas[top:bottom, left:right] = canvas[top:bottom, left:right] * (1 - cover) + np.asarray(colour) * cover
    return canvas
