# SPDX-License-Identifier: Apache-2.0
"""The portal and its back office as processes: start, stop, errors, pages, what an outsider may not do."""

import json
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
from tests.e2e.portal_support import STOP_TIMEOUT_S, Portal, command, get, portal, server

from lichen.demo.products import PRODUCTS_DIR


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory):
    with portal(tmp_path_factory.mktemp("portal")) as started:
        yield started


def post(url: str, fields: dict[str, str], headers: dict[str, str] | None = None) -> tuple[int, str]:
    data = urllib.parse.urlencode(fields).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers or {}), timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


@pytest.mark.parametrize("module", ["portal", "backoffice"])
def test_a_taken_port_is_told_in_one_sentence(module: str, tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        done = subprocess.run(
            command(module, "--port", str(port), "--data", tmp_path), capture_output=True, text=True, timeout=30
        )
    assert done.returncode == 2
    assert done.stderr == (f"Port {port} on 127.0.0.1 is taken. Stop the process that holds it, or use --port 0.\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--heavy=pictures"], "--heavy: `pictures` is unknown. Use some of images, polling, nplus1.\n"),
        (["--products", "/nowhere"], "/nowhere: no product declaration (*.toml) found. Add one.\n"),
        (["--port", "99999"], "Port 99999 on 127.0.0.1 is not available. Stop the process"),
    ],
)
def test_wrong_options_are_told_in_one_sentence(arguments: list[str], sentence: str) -> None:
    done = subprocess.run(command("portal", *arguments), capture_output=True, text=True, timeout=30)
    assert done.returncode == 2
    assert done.stderr.startswith(sentence)
    assert done.stderr.count("\n") == 1


def test_sigterm_leaves_no_process_and_no_folder(tmp_path: Path) -> None:
    import os

    environment = os.environ | {"TMPDIR": str(tmp_path)}
    process = subprocess.Popen(command("portal"), stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert re.fullmatch(r"portal ready on http://127\.0\.0\.1:\d+\n", line)
    assert [path.name.startswith("lichen-portal-") for path in tmp_path.iterdir()] == [True]
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=STOP_TIMEOUT_S)
    assert process.returncode == 0
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(line.split()[-1], timeout=2)


def test_a_third_declaration_appears_without_code(tmp_path: Path) -> None:
    products = tmp_path / "products"
    shutil.copytree(PRODUCTS_DIR, products)
    text = (products / "treasury-guarantee.toml").read_text(encoding="utf-8")
    text = text.replace('"treasury-guarantee"', '"export-advance"').replace("Treasury Guarantee", "Export Advance")
    (products / "export-advance.toml").write_text(text, encoding="utf-8")
    with server("portal", tmp_path, "--products", products) as front:
        assert "Simulate Export Advance" in get(f"{front.url}/")[1]
        query = "amount_eur=100000&term_months=60&deferral_months=12"
        status, body = get(f"{front.url}/simulate/export-advance?{query}")
        assert status == 200
        assert "Simulate: Export Advance" in body


def test_the_simulator_shows_the_figures_of_the_schedule(running: Portal) -> None:
    _, body = get(f"{running.url}/simulate/treasury-guarantee?amount_eur=1200&term_months=60&deferral_months=12")
    assert "The smallest value is 5,000." in body
    _, body = get(f"{running.url}/simulate/treasury-guarantee?amount_eur=100000&term_months=24&deferral_months=12")
    # 100,000 at 2.1 % / 12 = 0.00175 over 12 months: annuity 8,428.43; first interest 175.00; fee 90 % x 0.5 % / 12
    # of 100,000 = 37.50. Payment: 8,428.43 + 37.50.
    assert "€8,465.93" in body


@pytest.mark.parametrize("path", ["/", "/simulate/green-investment", "/apply/treasury-guarantee", "/sign-in"])
def test_pages_come_in_both_languages(running: Portal, path: str) -> None:
    english, french = get(f"{running.url}{path}?lang=en")[1], get(f"{running.url}{path}?lang=fr")[1]
    assert '<html lang="en">' in english
    assert '<html lang="fr">' in french
    assert english != french


@pytest.mark.parametrize("path", ["/nope", "/simulate/nope", "/drafts/1/recap", "/static/../portal.py"])
def test_what_is_not_there_is_a_page(running: Portal, path: str) -> None:
    status, body = get(f"{running.url}{path}")
    assert status == 404
    assert "Traceback" not in body


def test_forms_from_elsewhere_are_refused(running: Portal) -> None:
    fields = {"email": "adviser@portal.example", "password": "lichen-demo"}
    assert post(f"{running.url}/sign-in", fields, {"Origin": "http://evil.example"})[0] == 403
    assert post(f"{running.url}/sign-in", {**fields, "password": "wrong"})[0] == 401


def test_text_of_a_visitor_is_escaped(running: Portal) -> None:
    _, body = post(f"{running.url}/apply/treasury-guarantee", {"company_name": "<script>alert(1)</script>"})
    assert "<script>alert(1)" not in body
    assert "&lt;script&gt;alert(1)" in body


def test_reset_needs_the_option(tmp_path: Path) -> None:
    with server("portal", tmp_path) as front:
        assert post(f"{front.url}/__reset__", {})[0] == 403


def test_static_files_are_compressed_and_cached(running: Portal) -> None:
    page = get(f"{running.url}/")[1]
    address = re.search(r'href="(/static/portal\.css\?v=\w+)"', page)
    assert address is not None
    request = urllib.request.Request(f"{running.url}{address[1]}", headers={"Accept-Encoding": "gzip"})
    with urllib.request.urlopen(request, timeout=10) as response:
        assert response.headers["Content-Encoding"] == "gzip"
        assert "immutable" in response.headers["Cache-Control"]
        etag = response.headers["ETag"]
    again = urllib.request.Request(f"{running.url}{address[1]}", headers={"If-None-Match": etag})
    with pytest.raises(urllib.error.HTTPError, match="304") as answer:
        urllib.request.urlopen(again, timeout=10)
    answer.value.close()


def test_the_back_office_reports_progress(running: Portal) -> None:
    status, body = get(f"{running.back_office_url}/api/progress?ids=399,400,9999")
    assert status == 200
    assert [item["id"] for item in json.loads(body)["applications"]] == [399, 400]
    assert get(f"{running.back_office_url}/api/progress?ids=1%20OR%201")[0] == 400


def test_an_analyst_decides_once(running: Portal) -> None:
    queue = get(f"{running.back_office_url}/?lang=en")[1]
    first = re.search(r'href="(/applications/\d+)"', queue)
    assert first is not None
    case = f"{running.back_office_url}{first[1]}"
    assert "Approve" in post(case, {"decision": "nonsense"})[1]
    assert "Approve</button>" not in post(case, {"decision": "approved"})[1]
    assert "Refused" not in post(case, {"decision": "refused"})[1]
    running.reset()
    assert get(f"{running.back_office_url}/?lang=en")[1] == queue


def test_temporary_folders_do_not_pile_up(tmp_path: Path) -> None:
    before = set(Path(tempfile.gettempdir()).glob("lichen-portal-*"))
    with server("portal", tmp_path) as front:
        assert get(f"{front.url}/healthz") == (200, "ok\n")
    assert set(Path(tempfile.gettempdir()).glob("lichen-portal-*")) <= before
