# SPDX-License-Identifier: Apache-2.0
"""Takes the pictures of docs/pictures from a real measurement of the bundled portal: the report in both themes, the terminal.

Usage: ``python tools/pictures.py [RUN]``. Without a run file the portal is measured first. `make pictures` runs it.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright
from rich.console import Console
from rich.terminal_theme import TerminalTheme

from lichen.collect.journeys import find_browser
from lichen.config import load_settings
from lichen.ledger import runfile
from lichen.outputs.report import HtmlReport
from lichen.render.terminal import print_result
from lichen.service.result import Result
from lichen.service.summary import RUN_ID_SHOWN, summarise
from lichen.service.workspace import Workspace

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "pictures"
WIDTH, HEIGHT = 1200, 1330
COLUMNS = 100
COLOURS = 128
BYTES_MAX = 150_000
_THEME = TerminalTheme(
    (18, 23, 19),
    (231, 237, 229),
    [
        (48, 59, 51),
        (223, 141, 109),
        (147, 208, 167),
        (240, 195, 109),
        (143, 171, 201),
        (199, 143, 178),
        (125, 196, 190),
        (231, 237, 229),
    ],
)
_PAGE = """<!DOCTYPE html><meta charset="utf-8"><style>
body {{ margin: 0; padding: 28px 32px; background: #121713; color: #e7ede5; display: inline-block; }}
pre {{ margin: 0; font: 15px/1.4 "DejaVu Sans Mono", ui-monospace, monospace; }}
</style><pre>{text}</pre>"""


def measured(folder: Path) -> Path:
    """The run file of a fresh measurement of the portal."""
    subprocess.run([sys.executable, "-m", "lichen", "demo"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return next(runfile.find(folder / "lichen-runs"))


def terminal_page(result: Result) -> str:
    """What the terminal prints of the first journey, as a page with the terminal's colours."""
    first = replace(result, journeys=result.journeys[:1])
    console = Console(
        file=io.StringIO(), record=True, width=COLUMNS, force_terminal=True, color_system="standard", markup=False,
        highlight=False, emoji=False,
    )  # fmt: skip
    print_result(first, console, "en")
    return _PAGE.format(text=console.export_html(code_format="{code}", inline_styles=True, theme=_THEME))


def save(png: bytes, name: str) -> None:
    """Writes a picture with few colours, as small as a page of documentation wants it."""
    path = FOLDER / name
    with Image.open(io.BytesIO(png)) as picture:
        picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    size = path.stat().st_size
    if size > BYTES_MAX:
        raise SystemExit(f"{path} has {size} bytes, more than {BYTES_MAX}")
    print(f"{path.relative_to(FOLDER.parent.parent)}: {size} bytes")


def take(browser: Browser, report: str, terminal: str) -> None:
    """The three pictures."""
    for theme in ("light", "dark"):
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme=theme)
        page.set_content(report)
        save(page.screenshot(), f"report-{theme}.png")
        page.close()
    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
    page.set_content(terminal)
    save(page.locator("body").screenshot(), "terminal.png")


def main() -> None:
    """Measures, or reads the run, and takes the pictures."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = Path(sys.argv[1]) if len(sys.argv) > 1 else measured(Path(folder))
        result = summarise(Workspace(load_settings(None, overrides={}, env={})), runfile.read(path))
        # As it is where one measures: the run lies among the runs of the settings, whatever folder it was read from.
        result = replace(result, run_path=f"lichen-runs/{path.name}", run_name=result.run_id[:RUN_ID_SHOWN])
        report = HtmlReport().render(result, lang="en").decode()
        browser = playwright.chromium.launch(executable_path=find_browser("fidelity").path, args=["--no-sandbox"])
        take(browser, report, terminal_page(result))
        browser.close()


if __name__ == "__main__":
    main()
