# SPDX-License-Identifier: Apache-2.0
"""Run files: content-addressed, whole or absent, refused when damaged."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.fixtures import run as fixture

from lichen.config import Settings
from lichen.errors import StorageError
from lichen.ledger import runfile
from lichen.service.summary import summarise
from lichen.service.workspace import Workspace


def test_the_name_is_the_hash_and_writing_again_changes_nothing(tmp_path: Path) -> None:
    first = fixture.write(tmp_path)
    stamp = first.path.stat().st_mtime_ns
    assert first.run_id[:12] in first.path.name
    assert fixture.write(tmp_path).path.stat().st_mtime_ns == stamp
    assert [p.name for p in tmp_path.iterdir()] == [first.path.name]


def test_reads_what_was_written(tmp_path: Path) -> None:
    written = fixture.write(tmp_path)
    read = runfile.read(written.path)
    assert (read.run_id, dict(read.content)) == (written.run_id, json.loads(json.dumps(written.content)))


def test_the_format_is_golden(tmp_path: Path, golden: Callable[[str, str], None]) -> None:
    """A change of the format shows as a change of this file; one that old readers cannot take needs a new schema number."""
    content = fixture.write(tmp_path).content
    golden("run/lichen-run-1.json", json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


def test_the_golden_run_is_read_evaluated_and_summarised(tmp_path: Path) -> None:
    """Runs written by earlier versions stay readable."""
    stored = json.loads((Path(__file__).parents[1] / "golden" / "run" / "lichen-run-1.json").read_text())
    run = runfile.read(runfile.write(tmp_path, stored).path)
    result = summarise(Workspace(Settings()), run)
    assert [journey.name for journey in result.journeys] == ["apply", "follow"]
    assert result.journeys[0].figures.indicators["gwp100"].value > 0


def test_same_content_same_bytes(tmp_path: Path) -> None:
    a, b = fixture.write(tmp_path / "a"), fixture.write(tmp_path / "b")
    assert a.path.read_bytes() == b.path.read_bytes()


def damaged(path: Path, how: str) -> Path:
    raw = gzip.decompress(path.read_bytes())
    if how == "cut":
        path.write_bytes(path.read_bytes()[:-200])
    elif how == "changed":
        path.write_bytes(gzip.compress(raw.replace(b'"project":"loans"', b'"project":"loons"')))
    elif how == "not json":
        path.write_bytes(b"{nope")
    elif how == "other":
        path.write_text('{"hello": 1}')
    elif how == "future":
        path.write_bytes(gzip.compress(raw.replace(b"lichen-run/1", b"lichen-run/9")))
    elif how == "bomb":
        path.write_bytes(gzip.compress(b"[" + b" " * (257 * 2**20) + b"]", compresslevel=1))
    elif how == "binary":
        path.write_bytes(os.urandom(1000))
    return path


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("cut", "damaged"), ("changed", "was changed after"), ("not json", "line 1, column 2"), ("other", "not a run file"),
        ("future", "Update Lichen"), ("bomb", "larger than"), ("binary", "not JSON"),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_with_its_name(tmp_path: Path, how: str, words: str) -> None:
    path = damaged(fixture.write(tmp_path).path, how)
    with pytest.raises(StorageError) as caught:
        runfile.read(path)
    assert words in caught.value.sentence()
    assert str(path) in caught.value.sentence()


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="No such file"):
        runfile.read(tmp_path / "none.run.json.gz")


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("")
    with pytest.raises(StorageError, match="cannot be used"):
        runfile.check_folder(tmp_path / "runs")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can take another user's place")
def test_a_read_only_folder_for_a_plain_user(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path\n"
        "from lichen.ledger import runfile\nfrom lichen.errors import StorageError\n"
        "os.setgid(65534); os.setuid(65534)\n"
        "try: runfile.check_folder(Path(sys.argv[1]))\n"
        "except StorageError as error: print(error.sentence())"
    )
    tmp_path.chmod(0o755)
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert "cannot be written to" in done.stdout or "cannot be used" in done.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(disk)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"this machine does not let us mount a small disk: {mounted.stderr.strip()}")
    try:
        with pytest.raises(StorageError, match="is full"):
            runfile.write_atomically(disk / "big", os.urandom(64 * 1024))
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("method",), None, "method is missing"), (("browser",), None, "browser is missing"),
        (("settings",), None, "settings is missing"), (("lichen_version",), None, "lichen_version is missing"),
        (("method", "id"), None, "method.id is missing"), (("method", "id"), 7, "method.id is not of type str"),
        (("journeys",), {}, "journeys is not a list"), (("journeys", 0), 1, "journeys[0] is not a table"),
        (("journeys", 1, "sampling", "kept"), [0.5], "journeys[1].sampling.kept[0] is not of type int"),
        (("journeys", 0, "sampling", "taken"), True, "journeys[0].sampling.taken is not of type int"),
        (("journeys", 0, "agent_cpu_s"), "x", "agent_cpu_s is not of type int or float"),
        (("activities", 0), [], "activities[0] is not of type dict"),
    ],
)  # fmt: skip
def test_each_key_that_is_read_is_required_with_its_type(
    tmp_path: Path, path: tuple[str | int, ...], value: object, words: str
) -> None:
    content = json.loads(json.dumps(fixture.write(tmp_path).content))
    *above, last = path
    place = content
    for key in above:
        place = place[key]
    if value is None:
        del place[last]
    else:
        place[last] = value
    file = tmp_path / "plain.json"
    file.write_text(json.dumps(content))
    with file.open("rb") as stream:
        for read, source in ((runfile.read, file), (runfile.read_document, file), (runfile.read_document, stream)):
            with pytest.raises(StorageError) as caught:
                read(source)
            assert words in caught.value.sentence()
            assert caught.value.exit_code == 2


def test_a_number_that_is_not_finite_is_no_measurement(tmp_path: Path) -> None:
    content = json.loads(json.dumps(fixture.write(tmp_path).content))
    content["activities"][0]["value"] = float("nan")
    (tmp_path / "plain.json").write_text(json.dumps(content))
    with pytest.raises(StorageError, match="not finite"):
        runfile.read(tmp_path / "plain.json")


@pytest.mark.parametrize("how", ["changed", "future", "cut", "bomb"])
def test_evaluate_verifies_a_run_as_explain_does(tmp_path: Path, how: str) -> None:
    path = damaged(fixture.write(tmp_path).path, how)
    with pytest.raises(StorageError):
        runfile.read_document(path)
    if how != "changed":  # a stream has no name that a hash could stand in
        with path.open("rb") as stream, pytest.raises(StorageError, match="Standard input"):
            runfile.read_document(stream)


def test_runs_are_found_newest_first_whatever_copying_did_to_their_times(tmp_path: Path) -> None:
    names = ["2026-02-01-aaaaaaaaaaaa", "2026-03-01-bbbbbbbbbbbb", "2026-03-01-cccccccccccc", "renamed"]
    written_s = [400, 200, 100, 500]
    for name, second in zip(names, written_s, strict=True):
        path = tmp_path / f"{name}{runfile.SUFFIX}"
        path.touch()
        os.utime(path, (second, second))
    found = [path.name.removesuffix(runfile.SUFFIX) for path in runfile.find(tmp_path)]
    assert found == [names[1], names[2], names[0], names[3]]
    assert list(runfile.find(tmp_path / "none")) == []


def test_only_a_regular_file_is_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StorageError, match="pipe is not a regular file"):
        runfile.write_atomically(tmp_path / "pipe", b"new")
    assert (tmp_path / "pipe").is_fifo()
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


def test_a_link_stays_and_its_file_is_written(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder/file")
    for content in (b"first", b"second"):
        runfile.write_atomically(tmp_path / "link", content)
        assert (tmp_path / "folder" / "file").read_bytes() == content
    assert (tmp_path / "link").is_symlink()
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["file"]
