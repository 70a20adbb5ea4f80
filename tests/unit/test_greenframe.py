# SPDX-License-Identifier: Apache-2.0
"""Projects of GreenFrame become settings and journeys; what has no twin is named with its line, and nothing is half written."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lichen.collect.journeys import load_journey
from lichen.collect.journeys.greenframe import read_project
from lichen.collect.journeys.greenframe_calls import snake
from lichen.collect.journeys.greenframe_scenario import rewrite
from lichen.config import load_settings
from lichen.errors import ConfigError, StorageError
from lichen.service.importing_greenframe import import_greenframe

WHOLE: Final = "module.exports = async (page) => {{ {} }};"


def lines(body: str, base_path: str = "") -> list[str]:
    """The statements of a scenario's only step."""
    found = rewrite(WHOLE.format(body).encode(), title="T.", base_path=base_path)
    assert not found.problems, found.problems
    (step,) = [
        node
        for node in ast.walk(ast.parse(found.python))
        if isinstance(node, ast.With) and "step(" in ast.unparse(node.items[0])
    ]
    return [ast.unparse(statement) for statement in step.body]


@pytest.mark.parametrize(
    ("javascript", "python"),
    [
        ("await page.goto('');", "page.goto('/')"),
        ("await page.goto('/a', { waitUntil: 'networkidle' });", "page.goto('/a', wait_until='networkidle')"),
        ("await page.goto(`https://other.example/`);", "page.goto('https://other.example/')"),
        ("await page.waitForNetworkIdle();", "page.wait_for_load_state('networkidle')"),
        ("await page.waitForNavigation({ path: '/done' });", "page.wait_for_url('/done')"),
        ("await page.waitForNavigation();", "page.wait_for_load_state()"),
        ("await page.scrollToEnd();", "scroll_to_end(page)"),
        ("await page.scrollByDistance(-300);", "scroll_by_distance(page, -300)"),
        ("await page.scrollToElement('#a');", "scroll_to_element(page, '#a')"),
        ("await page.click(\"a:has-text('x')\", { button: 'right', position: { x: 1, y: 2 } });",
         "page.click(\"a:has-text('x')\", button='right', position={'x': 1, 'y': 2})"),
        ("page.getByRole('button', { name: /Pay\\/go/i }).first().click()",
         "page.get_by_role('button', name=re.compile('Pay/go', re.IGNORECASE)).first.click()"),
        ("await page.type('#a', 'é\\n\\u0041', { delay: 5 });", "page.type('#a', 'é\\nA', delay=5)"),
        ("await page.selectOption('#a', { label: 'B' });", "page.select_option('#a', label='B')"),
        ("await page.setViewportSize({ width: 1, height: 2 });", "page.set_viewport_size({'width': 1, 'height': 2})"),
        ("await page.keyboard.press('Enter');", "page.keyboard.press('Enter')"),
        ("await page.waitForTimeout(2 * 500);", "page.wait_for_timeout(2 * 500)"),
        ("await page.evaluate((a) => { window.x = a; }, { b: [1] });", "page.evaluate('(a) => { window.x = a; }', {'b': [1]})"),
        ("await page.waitForFunction(n => n > 1, 3, { timeout: 9 });", "page.wait_for_function('n => n > 1', arg=3, timeout=9)"),
        ("await page.fill('#p', process.env.SHOP_PASSWORD);", "page.fill('#p', os.environ['SHOP_PASSWORD'])"),
        ("await expect(page.locator('h1')).not.toHaveText('No');", "expect(page.locator('h1')).not_to_have_text('No')"),
        ("await expect(page).toHaveURL('/done');", "expect(page).to_have_url('/done')"),
        ("await Promise.all([page.waitForNavigation(), page.click('a')]);",
         "with page.expect_navigation():\n    page.click('a')"),
    ],
)  # fmt: skip
def test_a_call_has_its_twin(javascript: str, python: str) -> None:
    assert lines(javascript) == [python]


def test_relative_addresses_go_behind_the_path_of_the_base() -> None:
    assert lines("await page.goto('x'); await page.goto('');", "/app/") == ["page.goto('/appx')", "page.goto('/app')"]


def test_names_are_declared_before_they_are_used() -> None:
    body = "const from = 'a'; const myPage = `x ${from}`; await page.fill('#q', myPage); await page.click(`{${from}}`);"
    assert lines(body) == [
        "from_0 = 'a'",
        "my_page = f'x {from_0}'",
        "page.fill('#q', my_page)",
        "page.click(f'{{{from_0}}}')",
    ]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("for (const a of []) {}", "is a for in statement, which is not rewritten"),
        ("if (true) { await page.click('a'); }", "is an if statement"),
        ("await page.screenshot();", "page.screenshot has no place in a measurement"),
        ("await page.route('**', r => r.abort());", "the call '.route()' is not rewritten"),
        ("await page.click(unknown);", "'unknown' is not declared in the scenario"),
        ("const { a } = page;", "takes something apart"),
        ("await login(page);", "'login' is not a call of the page"),
        ("await page.addMilestone(title);", "the title of a milestone is not a plain text"),
        ("await page.click('a' || 'b');", "the operator || in"),
        ("x = 1;", "'x = 1' is no call"),
        ("await Promise.all([page.click('a'), page.click('b')]);", "Promise.all is rewritten only for"),
        ("expect(1).toBe(1);", "the call '.toBe()' is not rewritten"),
        ("await page.click('a", "this is not valid JavaScript"),
    ],
)
def test_what_has_no_twin_is_named_with_its_line(body: str, problem: str) -> None:
    found = rewrite(f"// first\nmodule.exports = async (page) => {{\n{body}\n}};".encode(), title="T.")
    assert problem in found.problems[0].text
    assert found.problems[0].line in (1, 3)
    assert found.python == ""


def test_all_problems_are_told_at_once() -> None:
    found = rewrite(WHOLE.format("\nx = 1;\nawait page.click('a');\nawait page.pdf();").encode(), title="T.")
    assert [problem.line for problem in found.problems] == [2, 4]


@pytest.mark.parametrize(
    "text",
    ["module.exports = async function (page) { await page.goto('/'); };",
     "export default async page => { await page.goto('/'); };",
     "const run = async (page) => { await page.goto('/'); };\nmodule.exports = run;",
     "async function run(page) { await page.goto('/'); }\nmodule.exports = run;",
     "module.exports = async page => page.goto('/');"],
)  # fmt: skip
def test_the_ways_to_export(text: str) -> None:
    assert "page.goto('/')" in rewrite(text.encode(), title="T.").python


@given(st.text(max_size=60))
def test_whatever_a_scenario_says_it_is_python_or_refused(text: str) -> None:
    found = rewrite(WHOLE.format(text).encode(errors="surrogatepass"), title="T.")
    assert bool(found.python) != bool(found.problems)
    if found.python:
        compile(found.python, "journey.py", "exec")


def test_snake() -> None:
    assert [snake(name) for name in ("waitForURL", "innerHTML", "getByRole", "goto")] == [
        "wait_for_url", "inner_html", "get_by_role", "goto",
    ]  # fmt: skip


SCENARIO: Final = """module.exports = async (page) => {
  await page.goto('');
  await page.addMilestone('Order / pay');
  await page.scrollToEnd();
  console.log('x');
};
"""


def project(folder: Path, text: str, **scenarios: str) -> Path:
    for name, content in scenarios.items():
        (folder / f"{name}.js").write_text(content)
    path = folder / ".greenframe.yml"
    path.write_text(text)
    return path


def test_a_project_becomes_settings_that_load(tmp_path: Path) -> None:
    path = project(
        tmp_path,
        """
baseURL: https://shop.example/app
scenarios:
  - {path: ./buy.js, name: Buy, threshold: 0.1}
  - {path: ../../src/examples/visit.js, name: Visit}
samples: 4
projectName: "sh\\"op"
containers: [web, browser]
databaseContainers: [db]
kubeContainers: ["ns:app=api/main"]
dockerdHost: engine.example
useAdblock: true
ignoreHTTPSErrors: true
locale: fr-FR
timezoneId: Europe/Paris
sample: 3
""",
        buy=SCENARIO,
    )
    found, written = import_greenframe(path, tmp_path / "new")
    assert [str(file.relative_to(tmp_path / "new")) for file in written] == ["lichen.toml", "journeys/buy.py"]
    settings = load_settings(tmp_path / "new" / "lichen.toml")
    assert (settings.project.name, settings.measure.samples) == ('sh"op', 4)
    assert (settings.browser.locale, settings.browser.time_zone, settings.browser.ignore_https_errors) == (
        "fr-FR", "Europe/Paris", True,
    )  # fmt: skip
    assert [(part.name, part.container, part.pods, part.engine) for part in settings.parts] == [
        ("web", "web", None, "tcp://engine.example:2375"), ("browser-2", "browser", None, "tcp://engine.example:2375"),
        ("db", "db", None, "tcp://engine.example:2375"), ("main", "main", "ns/app=api", None),
    ]  # fmt: skip
    assert [(one.name, one.url, one.base_url) for one in settings.journeys] == [
        ("Buy", None, "https://shop.example"), ("Visit", "https://shop.example/app", None),
    ]  # fmt: skip
    assert not found.refused
    assert [line.partition(":")[0] for line in found.left_out] == [
        "useAdblock", "sample", "threshold of scenario 1", "./buy.js, line 5",
    ]  # fmt: skip
    journey = load_journey(str(settings.journeys[0].file), base_url="https://shop.example")
    assert journey.name == "buy"
    source = Path(str(settings.journeys[0].file)).read_text()
    assert "page.goto('/app')" in source
    assert "with step('Order ∕ pay'):" in source


def test_nothing_is_written_when_a_scenario_is_refused_unless_asked(tmp_path: Path) -> None:
    path = project(
        tmp_path,
        "baseURL: https://a.example\nscenarios: [{path: good.js}, {path: bad.js}]\n",
        good=SCENARIO,
        bad="module.exports = async (page) => {\n  if (1) {}\n};",
    )
    found, written = import_greenframe(path, tmp_path / "new")
    assert found.refused == ("bad.js:2: 'if (1) {}' is an if statement, which is not rewritten",)
    assert written == []
    assert not (tmp_path / "new").exists()
    _, written = import_greenframe(path, tmp_path / "new", partial=True)
    assert [file.name for file in written] == ["lichen.toml", "good.py"]


def test_files_that_exist_are_kept(tmp_path: Path) -> None:
    path = project(tmp_path, "baseURL: https://a.example\nscenario: buy.js\n", buy=SCENARIO)
    (tmp_path / "journeys").mkdir()
    (tmp_path / "journeys" / "buy.py").write_text("mine")
    with pytest.raises(StorageError, match="exists already"):
        import_greenframe(path, tmp_path)
    assert (tmp_path / "journeys" / "buy.py").read_text() == "mine"
    assert not (tmp_path / "lichen.toml").exists()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: [", r"\.greenframe\.yml:\d+: not valid YAML"),
        ("- a", "not a table of settings"),
        ("{}", "neither a scenario nor a baseURL"),
        ("baseURL: ftp://a", "'baseURL' is not an http address"),
        ("baseURL: 3", "'baseURL' is not a text"),
        ("baseURL: https://a.example\nscenarios: [3]", "scenario 1 has no 'path'"),
        ("baseURL: https://a.example\nsamples: many", "'samples' is not a whole number"),
        ("baseURL: https://a.example\nsamples: 500", "'samples' is not a number from 1 to 100"),
        ("baseURL: https://a.example\ncontainers: [1]", "'containers' is not a list of texts"),
        ("baseURL: https://a.example\nscenario: none.js", r"none\.js cannot be read"),
        ("!!python/object/apply:os.system ['true']", "not valid YAML"),
        ("[" * 5000, "not valid YAML"),
    ],
)  # fmt: skip
def test_what_is_no_project_is_refused(text: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=problem):
        read_project(project(tmp_path, text))
