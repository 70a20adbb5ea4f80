# SPDX-License-Identifier: Apache-2.0
"""What every page of this room is made with: templates, style sheet, script, names of strangers, content security policy."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from lichen.render.names import foreign
from lichen.render.theme import theme


def _digest(text: str) -> str:
    """Source expression of a content security policy: the SHA-256 of an inline element's text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def asset(name: str) -> str:
    """A file beside this module, without comments and line breaks; a style sheet without the spaces that it does not need."""
    text = files("lichen.outputs.report").joinpath(name).read_text(encoding="utf-8")
    if name == "report.css":
        text = theme() + text
    text = re.sub(r"\s+", " ", re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)).strip()
    return re.sub(r" ?([{};,]) ?|(:) ", r"\1\2", text) if name.endswith(".css") else text


@cache
def environment() -> Environment:
    """The templates of this room; what they print is escaped."""
    made = Environment(
        loader=PackageLoader("lichen.outputs.report", ""),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["foreign"] = foreign
    return made


def encoded(text: str) -> bytes:
    """As UTF-8; the run file's path may hold bytes that are no text, which JSON and people read as escapes."""
    return text.encode(errors="backslashreplace")


def policy(style: str, script: str) -> str:
    """Content security policy of a page: these two inline elements, images inside the page, and nothing else."""
    return (
        f"default-src 'none'; style-src {_digest(style)}; script-src {_digest(script)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def written(html: str) -> bytes:
    """A rendered template as the bytes of a file, without blank lines and indents."""
    lines = (line.strip() for line in html.splitlines())
    return encoded("\n".join(line for line in lines if line) + "\n")
