# SPDX-License-Identifier: Apache-2.0
"""Files named by ``[extend]`` that break, end the program or hold something else: one sentence, exit 2."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from lichen import nomenclature, plugins
from lichen.errors import ConfigError

HEAD = b"kind,name,unit,boundary,additive,min,max,description_en,description_fr\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import sys\nsys.exit(0)", "it ends the program"),
        ("class Odd(BaseException): pass\nraise Odd", "does not load: Odd"),
        ("raise RecursionError", "does not load: RecursionError"),
        ("PLUGINS = []", "has no PLUGINS table"),
        ('PLUGINS = {"lichen.methods": ["a.toml"]}', "something else than a table of names"),
        ('PLUGINS = {"lichen.methods": {3: "a.toml"}}', "something else than a table of names"),
        ('PLUGINS = {"lichen.methods": {"own": 3}}', "gives 'own' of lichen.methods as int, not as a path"),
        ("PLUGINS = {3: {}}", "no plug-in group '3'"),
    ],
)
def test_a_module_that_breaks_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "own.py"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=said):
        plugins.register_file(path)


def test_ctrl_c_passes_through_a_module(tmp_path: Path) -> None:
    path = tmp_path / "own.py"
    path.write_text("raise KeyboardInterrupt", encoding="utf-8")
    with pytest.raises(KeyboardInterrupt):
        plugins.register_file(path)


def test_what_a_module_prints_does_not_mix_with_results(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "own.py"
    path.write_text("print('hello')\nPLUGINS = {}", encoding="utf-8")
    plugins.register_file(path)
    out, err = capsys.readouterr()
    assert (out, err) == ("", "hello\n")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (b'quantity,wide,s,,yes,,,"' + b"x" * 200_000 + b'",x\n', "field larger than field limit"),
        (b"quantity,\xff,s,,yes,,,x,x\n", "cannot be read: 'utf-8'"),
        (b"quantity,short\n", "Line 2 .* it lacks unit, boundary"),
        (b"quantity,,s,,yes,,,x,x\n", "it has no name"),
        (b"quantity,odd,s,,yes,low,,x,x\n", "could not convert"),
        (b"quantity,odd,s,,yes,nan,,x,x\n", "a bound is not a number"),
        (b"thing,odd,s,,yes,,,x,x\n", "kind must be one of"),
    ],
)
def test_a_nomenclature_that_is_no_table_is_refused(tmp_path: Path, rows: bytes, said: str) -> None:
    path = tmp_path / "own.csv"
    path.write_bytes(HEAD + rows)
    with pytest.raises(ConfigError, match=said):
        nomenclature.read(path)


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="from here on csv reads NUL bytes as text")
def test_nul_bytes_in_a_nomenclature_are_no_crash(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_bytes(HEAD + b"quantity,o\0dd,s\0,,yes,\0,,x,x\n")
    with pytest.raises(ConfigError):
        nomenclature.read(path)


def test_a_nomenclature_that_nobody_writes_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    os.mkfifo(path)
    with pytest.raises(ConfigError, match="it is not a regular file"):
        nomenclature.read(path)
