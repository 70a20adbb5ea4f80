# SPDX-License-Identifier: Apache-2.0
"""Static files, held in memory: compressed once at start, named by content, cached by browsers for a year."""

import gzip
import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from lichen.demo import HERE

STATIC_DIR: Final = HERE / "static"
PREFIX: Final = "/static/"
ORIGINALS_PREFIX: Final = "/originals/"
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
}
_COMPRESSED: Final = frozenset({".css", ".js", ".svg"})
_FINGERPRINT_LENGTH: Final = 10
_RENDER_THREADS: Final = 2


@dataclass(frozen=True, slots=True)
class _Asset:
    content: bytes
    compressed: bytes | None
    media_type: str
    fingerprint: str


class Assets:
    """The static files of a folder and, in the heavy variant, the originals of its pictures."""

    def __init__(self, folder: Path = STATIC_DIR, *, originals: bool = False) -> None:
        self._files = {
            str(path.relative_to(folder)): _read(path) for path in sorted(folder.rglob("*")) if path.suffix in _TYPES
        }
        self._originals = _render_originals() if originals else {}

    def url(self, name: str) -> str:
        """Return the address of a static file; it changes with the content."""
        return f"{PREFIX}{name}?v={self._files[name].fingerprint}"

    def picture_url(self, name: str) -> str:
        """Return the address of a picture: compressed, or the original in the heavy variant."""
        if self._originals:
            return f"{ORIGINALS_PREFIX}{name}.png"
        return self.url(f"pictures/{name}.webp")

    @property
    def routes(self) -> list[Route]:
        """The routes that serve the files."""
        return [
            Route(f"{PREFIX}{{name:path}}", self._serve),
            Route(f"{ORIGINALS_PREFIX}{{name}}.png", self._serve_original),
        ]

    async def _serve(self, request: Request) -> Response:
        asset = self._files.get(request.path_params["name"])
        if asset is None:
            return PlainTextResponse("Not found.\n", status_code=404)
        tag = f'"{asset.fingerprint}"'
        headers = {"etag": tag, "cache-control": "public, max-age=31536000, immutable"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        body = asset.content
        if asset.compressed is not None:
            headers["vary"] = "accept-encoding"
            if "gzip" in request.headers.get("accept-encoding", ""):
                headers["content-encoding"] = "gzip"
                body = asset.compressed
        return Response(body, headers=headers, media_type=asset.media_type)

    async def _serve_original(self, request: Request) -> Response:
        content = self._originals.get(request.path_params["name"])
        if content is None:
            return PlainTextResponse("Not found.\n", status_code=404)
        return Response(content, headers={"cache-control": "no-store"}, media_type="image/png")


def _read(path: Path) -> _Asset:
    content = path.read_bytes()
    compressed = gzip.compress(content, mtime=0) if path.suffix in _COMPRESSED else None
    fingerprint = hashlib.sha256(content).hexdigest()[:_FINGERPRINT_LENGTH]
    return _Asset(content, compressed, _TYPES[path.suffix], fingerprint)


def _render_originals() -> dict[str, bytes]:
    """Draw all originals before the server is ready, so that no request pays for it."""
    from lichen.demo.pictures import SCENES, encode_png, render

    with ThreadPoolExecutor(_RENDER_THREADS) as pool:
        return dict(zip(SCENES, pool.map(lambda name: encode_png(render(name)), SCENES), strict=True))
