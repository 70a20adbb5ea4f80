# SPDX-License-Identifier: Apache-2.0
"""`lichen import` and `lichen measure` on files of other tools, from the command line to the run file."""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner, Result

from lichen.cli.app import root as cli
from lichen.cli.failure import run

sys.path.insert(0, str(Path(__file__).parent / "sites"))
from wire import WireServer

CANARY: Final = "c4n4ryS3cret"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def call(*words: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = run(cli, words, "lichen")
    told = capsys.readouterr()
    return code, told.out, told.err


def written(folder: Path) -> dict[str, Any]:
    (path,) = (folder / "lichen-runs").glob("*.run.json.gz")
    content: dict[str, Any] = json.loads(gzip.decompress(path.read_bytes()))
    return content


def secretive(url: str, size: int) -> dict[str, Any]:
    """An entry with a secret wherever an archive may hold one."""
    pair = [{"name": "token", "value": CANARY}]
    return {
        "pageref": "p", "startedDateTime": "2026-11-02T10:00:00Z", "time": 3, "comment": CANARY, "_initiator": {"url": CANARY},
        "request": {
            "method": "POST", "url": url,
            "headers": [{"name": "Authorization", "value": CANARY}, {"name": "Cookie", "value": CANARY}],
            "cookies": pair, "queryString": pair, "headersSize": 100, "bodySize": 20,
            "postData": {"mimeType": "application/json", "text": CANARY, "params": pair},
        },
        "response": {
            "status": 200, "headers": [{"name": "Set-Cookie", "value": CANARY}], "cookies": pair, "redirectURL": f"/?t={CANARY}",
            "content": {"size": 10, "mimeType": "text/html", "text": CANARY}, "headersSize": -1, "bodySize": -1,
            "_transferSize": size,
        },
    }  # fmt: skip


def test_an_archive_becomes_a_run_without_its_secrets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    entries = [
        secretive(f"https://ada:{CANARY}@shop.example/pay?token={CANARY}#{CANARY}", 3000),
        secretive(f"https://cdn.other.example/a.js?k={CANARY}", 20_000),
    ]
    pages = [
        {"id": "p", "title": f"https://shop.example/pay?token={CANARY}", "startedDateTime": "2026-11-02T10:00:00Z"}
    ]
    Path("checkout.har").write_text(json.dumps({"log": {"pages": pages, "entries": entries, "creator": {"name": "T"}}}))
    code, out, err = call("import", "har", "checkout.har", "--json", "--html", "r.html", capsys=capsys)
    assert code == 0, err
    result = json.loads(out)
    run_file = written(tmp_path)
    for text in (out, err, json.dumps(run_file), Path("r.html").read_text()):
        assert CANARY not in text
    rows = {row["quantity"]: row for row in run_file["activities"]}
    assert rows["network_bytes"]["value"] == 3000 + 20_000 + 2 * 120
    assert rows["requests"]["value"] == 2
    assert {name for name, row in rows.items() if row["value"] is None} == {
        "cpu_time", "memory_peak", "memory_byte_seconds", "disk_bytes", "screen_time",
    }  # fmt: skip
    assert {row["party"]: row["network_bytes"] for row in run_file["journeys"][0]["requests"]} == {
        "first": 3120,
        "third": 20_120,
    }
    (journey,) = result["journeys"]
    assert "cpu_time" in {row["quantity"] for row in journey["not_covered"]}
    assert call("explain", "checkout", capsys=capsys)[0] == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("import", "hra", "x"), "There is no kind 'hra' to import. Did you mean 'har'?"),
        (("import", "har", "none.har"), "none.har cannot be read"),
        (("import", "har", "empty.har"), "empty.har holds no request that crossed a network"),
        (("import", "har", "empty.har", "a/empty.har"), "Two archives are called 'empty'"),
        (("import", "har", "one.har", "--site", "other.example"), "No request of one.har goes to 'other.example'."),
        (("import", "greenframe"), ".greenframe.yml cannot be read"),
        (("measure", "none.json"), "The journey file does not exist: none.json"),
        (("measure", "http://127.0.0.1:9/", "--record"), "The settings name no file for the recording of third parties"),
    ],
)  # fmt: skip
def test_what_cannot_be_imported_is_said_in_a_sentence(
    words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in (Path(), Path("a")):
        folder.mkdir(exist_ok=True)
        (folder / "empty.har").write_text('{"log": {"entries": []}}')
    entry = secretive("https://shop.example/", 10)
    Path("one.har").write_text(json.dumps({"log": {"pages": [], "entries": [entry]}}))
    code, out, err = call(*words, capsys=capsys)
    assert code == 2
    assert said in err
    assert out == ""
    assert not list(Path().glob("lichen-runs/*.gz"))


@pytest.mark.browser
@pytest.mark.beside
def test_a_project_of_greenframe_is_imported_and_measured(tmp_path: Path) -> None:
    with WireServer() as site:
        Path("buy.js").write_text(
            "module.exports = async (page) => {\n  await page.goto('/checkout.html', { waitUntil: 'networkidle' });\n"
            "  await page.addMilestone('Down');\n  await page.scrollToEnd();\n  await page.scrollToElement('h1');\n"
            "  await page.scrollByDistance(50);\n  await page.addMilestone('Pay');\n"
            "  await Promise.all([page.waitForNavigation({ path: '/checkout-done.html' }), page.click('#go')]);\n"
            "  await page.waitForNetworkIdle();\n};\n"
        )
        Path(".greenframe.yml").write_text(f"baseURL: {site.url}\nscenario: buy.js\nsamples: 1\n")
        assert _invoke("import", "greenframe").exit_code == 0
        done = _invoke("measure", "--json", "--profile", "fast", "--quiet")
        assert done.exit_code == 0, done.output
    steps = [step["name"] for step in json.loads(done.stdout)["journeys"][0]["steps"]]
    assert [name for name in steps if name] == ["start", "Down", "Pay"]


@pytest.mark.browser
@pytest.mark.beside
def test_third_parties_are_recorded_then_frozen(tmp_path: Path) -> None:
    with WireServer() as site, WireServer() as third:
        Path("lichen.toml").write_text(
            '[browser]\nthird_parties = "third.zip"\n[measure]\nsamples = 2\ndiscard = 0\nrest_s = 0.2\nprofile = "fast"\n'
            f'[[journey]]\nname = "shop"\nfile = "shop.py"\nbase_url = "{site.url}"\n'
        )
        address = f"{third.other_url}/blob?n=3000&type=text/javascript"
        Path("shop.py").write_text(
            "def journey(page, step):\n    with step('open', dwell=1):\n        page.goto('/plain.html')\n"
            f"        page.evaluate(\"() => fetch('{address}', {{mode: 'no-cors'}}).then(() => 1)\")\n"
        )
        refused = _invoke("measure")
        assert "Record it: lichen measure --record" in refused.stderr
        done = _invoke("measure", "--record", "--json", "--quiet")
        assert done.exit_code == 0, done.output
        asked = len(third.log)
        again = _invoke("measure", "--json", "--quiet")
        assert len(third.log) == asked == 1
    first, second = (json.loads(one.stdout) for one in (done, again))
    hashes = [one["settings"]["third_parties_sha256"] for one in (first, second)]
    assert hashes[0] == hashes[1]
    found = [one["journeys"][0]["counters"]["network_bytes"] for one in (first, second)]
    assert all(counter["exact"] for counter in found)
    assert found[0]["value"] == found[1]["value"]
    assert all(one["journeys"][0]["third_party_bytes"] > 3000 for one in (first, second))


def _invoke(*words: str) -> Result:
    """The command in this process; leaves by ``SystemExit`` like the program."""
    return CliRunner().invoke(cli, list(words))
