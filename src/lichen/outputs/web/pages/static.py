# SPDX-License-Identifier: Apache-2.0
"""Style sheets and scripts: read once, named after their content, kept by browsers for a year, compressed in advance."""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from lichen.outputs.web.access import not_found, public
from lichen.render.theme import theme

router: Final = APIRouter(include_in_schema=False)
_KEPT: Final = "public, max-age=31536000, immutable"
_TYPES: Final = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}
_FILES: Final = {
    "app.css": ("app.css",),
    "app.js": ("app.js",),
    "chart.css": ("vendor/uplot-1.6.32.min.css",),
    "chart.js": ("vendor/uplot-1.6.32.min.js", "chart.js"),
}
"""Name on a page -> files below ``static``, one after the other."""


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that pages load.

    Attributes:
        url: address with a hash of the content.
        body, packed: as is, and compressed by gzip.
    """

    url: str
    media_type: str
    body: bytes
    packed: bytes


@cache
def asset(name: str) -> Asset:
    """One of the files; KeyError for another name."""
    folder = files("lichen.outputs.web").joinpath("static")
    text = "\n".join(folder.joinpath(*one.split("/")).read_text(encoding="utf-8") for one in _FILES[name])
    stem, _, kind = name.partition(".")
    if name == "app.css":
        text = theme() + text
    if kind == "css":
        text = re.sub(r"\s+", " ", re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)).strip()
    body = text.encode()
    digest = hashlib.sha256(body).hexdigest()[:12]
    return Asset(f"/static/{stem}.{digest}.{kind}", _TYPES[kind], body, gzip.compress(body, 9, mtime=0))


@router.get("/static/{name}", dependencies=[Depends(public("style sheets and scripts hold nothing of anybody"))])
def serve(request: Request, name: str) -> Response:
    """A file, by the name that pages give it; that of another version of Lichen does not exist."""
    for known in _FILES:
        found = asset(known)
        if found.url.endswith(f"/{name}"):
            packed = "gzip" in request.headers.get("accept-encoding", "")
            headers = {"Cache-Control": _KEPT, "Vary": "Accept-Encoding"}
            if packed:
                headers["Content-Encoding"] = "gzip"
            return Response(found.packed if packed else found.body, 200, headers, found.media_type)
    raise not_found("This file")
