# SPDX-License-Identifier: Apache-2.0
"""Renders the portal's pictures and writes the compressed files that the repository keeps.

Run ``python -m lichen.demo.build_pictures`` after a change in `pictures.py`; it needs Pillow.
"""

from typing import Final

import numpy as np
from PIL import Image

from lichen.demo import HERE
from lichen.demo.pictures import SCENES, render

OUTPUT: Final = HERE / "static" / "pictures"
WEBP_QUALITY: Final = 80
SUPERSAMPLING: Final = 2


def main() -> None:
    """Write one WebP file a scene, half as wide as the original."""
    OUTPUT.mkdir(parents=True, exist_ok=True)
    for name in SCENES:
        original = Image.fromarray(np.asarray(render(name)), mode="RGB")
        size = (original.width // SUPERSAMPLING, original.height // SUPERSAMPLING)
        path = OUTPUT / f"{name}.webp"
        original.resize(size, Image.Resampling.LANCZOS).save(path, "WEBP", quality=WEBP_QUALITY, method=6)
        print(f"{path.name}: {size[0]} x {size[1]}, {path.stat().st_size} B")


if __name__ == "__main__":
    main()
