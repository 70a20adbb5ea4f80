# SPDX-License-Identifier: Apache-2.0
"""Git references in real repositories: what is there, what is not, and what is left behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lichen.errors import ConfigError, UsageError
from lichen.service.comparing.revisions import Revision, build, checked_out


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *who, *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    (tmp_path / "page.html").write_text("old")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "old")
    git(tmp_path, "tag", "v1")
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "lichen.toml").write_text("")
    (tmp_path / "page.html").write_text("new")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "new")
    return tmp_path


def test_a_reference_is_checked_out_beside_the_work_tree_and_removed(repository: Path) -> None:
    (repository / "page.html").write_text("not committed")
    with checked_out("v1", repository) as revision:
        assert (revision.folder / "page.html").read_text() == "old"
        assert revision.commit == git(repository, "rev-parse", "v1")
        folder = revision.folder
    assert not folder.exists()
    assert git(repository, "worktree", "list").count("\n") == 0
    assert (repository / "page.html").read_text() == "not committed"
    assert git(repository, "status", "--porcelain") == "M page.html"


def test_the_folder_of_lichen_toml_is_found_in_it(repository: Path) -> None:
    with checked_out("main", repository / "site") as revision:
        assert (revision.folder / "lichen.toml").exists()


def test_a_commit_from_before_that_folder_says_so(repository: Path) -> None:
    with pytest.raises(UsageError, match="'v1' has no folder site"), checked_out("v1", repository / "site"):
        pass
    assert git(repository, "worktree", "list").count("\n") == 0


@pytest.mark.parametrize("reference", ["nowhere", "--help", "main:page.html", "v1^9"])
def test_what_is_no_commit_is_named(repository: Path, reference: str) -> None:
    with pytest.raises(UsageError) as caught, checked_out(reference, repository):
        pass
    assert f"There is no commit '{reference}'" in caught.value.problem


def test_a_folder_outside_any_repository(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Git refuses in"), checked_out("main", tmp_path):
        pass


def test_what_a_hook_sets_does_not_reach_the_callers_index(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", str(repository / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(repository / ".git" / "index"))
    with checked_out("v1", repository) as revision:
        assert (revision.folder / "page.html").read_text() == "old"
    monkeypatch.delenv("GIT_DIR")
    monkeypatch.delenv("GIT_INDEX_FILE")
    assert git(repository, "status", "--porcelain") == ""


def test_a_build_runs_in_the_folder(tmp_path: Path) -> None:
    revision = Revision("a" * 40, tmp_path)
    build(revision, ["{python}", "-c", "open('built', 'w').write('x')"], "head", minutes=1)
    assert (tmp_path / "built").exists()


def test_a_build_that_breaks_shows_its_last_lines_without_secrets(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        build(
            Revision("b" * 40, tmp_path),
            [sys.executable, "-c", "print('step 1', flush=True); raise SystemExit('no such module')", "--token=hunter2"],
            "base", minutes=1,
        )  # fmt: skip
    assert caught.value.problem.startswith("The base (bbbbbbbbbbbb) does not build")
    assert "ended with code 1; it said last: step 1 | no such module" in caught.value.problem
    assert "hunter2" not in caught.value.problem


def test_a_build_that_never_ends_is_stopped(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"did not end within 0\.005 minutes"):
        build(
            Revision("c" * 40, tmp_path), [sys.executable, "-c", "import time; time.sleep(60)"], "head", minutes=0.005
        )


def test_a_build_that_cannot_start_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'no-such-tool' cannot be started"):
        build(Revision("d" * 40, tmp_path), ["no-such-tool"], "head", minutes=1)
