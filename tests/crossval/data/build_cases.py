# SPDX-License-Identifier: Apache-2.0
"""Writes cases.json: what published tools answered, as activities and expected figures, one form for all tools.

The full records of the tools' runs lie outside of this repository, in ``shared/cases`` beside the checkout; what is kept here are
facts: inputs, outputs, tool, version, source and licence. The tests beside say how an input of a tool becomes activities.

Usage: ``python tests/crossval/data/build_cases.py``.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Final

HERE: Final = Path(__file__).resolve().parent
TOOLS: Final = {
    "greenframe-cli 2.0.1": "unmodified model run on inputs made for it, 2026-11-22; Elastic-2.0, figures are facts",
    "co2.js 0.19.0": "npm @tgwf/co2, run with Node.js 20, 2026-11-22; Apache-2.0",
    "ecoindex-compute 5.10.0": "PyPI, run 2026-11-22; figures are facts",
    "Cloud Carbon Footprint, March 2024": "figures of its own test-suites (packages/*/src/__tests__); Apache-2.0",
    "BoaviztAPI 2.5.0": "PyPI, used as a library 2026-11-22; AGPL-3.0, figures are facts",
}
"""Tool and version -> how its figures were obtained, and its licence."""
GREENFRAME, CO2JS, ECOINDEX, CCF, BOAVIZTA = TOOLS


def _tests(name: str) -> ModuleType:
    """The module of tests that says how a tool's input becomes activities."""
    spec = importlib.util.spec_from_file_location(f"crossval_{name}", HERE.parent / f"test_{name}.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError(name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _records(module: ModuleType) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(module.CASES.read_text(encoding="utf-8"))["cases"]
    return found


def _case(tool: str, name: str, method: str, activities: list[dict[str, Any]], **expected: Any) -> dict[str, Any]:
    context = expected.pop("context", {})
    rows = [
        {"indicator": key.partition("__")[0], "phase": key.partition("__")[2] or None, "value": value}
        for key, value in expected.items()
    ]
    return {
        "tool": tool, "id": name, "method": method, "activities": activities, "context": context, "expected": rows,
    }  # fmt: skip


def greenframe() -> Iterator[dict[str, Any]]:
    """Containers of a browser and of servers: Wh and g of the whole."""
    module = _tests("greenframe")
    for case in _records(module):
        containers = case["output"]["containers"]
        if not containers:
            continue
        totals = [container["score"] for container in containers]
        found = _case(
            GREENFRAME, case["id"], "greenframe-2", module.activities(case), context={"parts": len(containers)},
            energy=sum(score["wh"]["total"] for score in totals) / 1000,
            gwp100=sum(score["co2"]["total"] for score in totals),
        )  # fmt: skip
        yield {**found, "lichen-1": list(_for_lichen(case, found["activities"]))}


def _for_lichen(case: dict[str, Any], rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The same facts in the quantities that lichen-1 reads: a share of so many CPUs, and a peak held for a time."""
    cpus = {container["name"]: container["online_cpus"] for container in case["input"]["containers"]}
    for row in rows:
        same = {key: value for key, value in row.items() if key != "duration_s"}
        device = {"device": "laptop"} if row["tier"] == "device" else {}
        if row["quantity"] == "cpu_time_share":
            yield {**same, **device, "quantity": "cpu_time", "value": row["value"] * cpus[row["entity"]]}
        elif row["quantity"] == "memory_peak":
            held = {"quantity": "memory_byte_seconds", "value": row["value"] * row["duration_s"], "unit": "GB.s"}
            yield {**same, **device, **held}
        else:
            yield {**same, **device}


def web() -> Iterator[dict[str, Any]]:
    """Bytes of pages, and scores of pages; options that replace a constant of the method are left to the tests."""
    module = _tests("web")
    for case in _records(module):
        if case["tool"] == ECOINDEX:
            page, exact = case["input"], case["unrounded"]
            rows = [
                {"entity": "page", "quantity": "network_bytes", "value": page["size_kB"], "unit": "kB"},
                {"entity": "page", "quantity": "dom_elements", "value": page["dom"]},
                {"entity": "page", "quantity": "requests", "value": page["requests"]},
            ]
            name = f"{page['dom']} elements, {page['requests']} requests, {page['size_kB']} kB"
            yield _case(
                ECOINDEX, name, "ecoindex", rows,
                ecoindex=exact["score"], gwp100=exact["ges"], water=exact["water"] / 100,
            )  # fmt: skip
            continue
        call = case["input"]
        network_bytes, green, *more = call["args"]
        if more or call["method"] == "perVisit":
            continue
        grams = case["output"]["total"] if isinstance(case["output"], dict) else case["output"]
        name = (
            f"{network_bytes / 1e6:g} MB, {'green' if green else 'grey'} hosting, {module.method_of(call['options'])}"
        )
        yield _case(
            CO2JS, name, module.method_of(call["options"]), module.transfer(network_bytes, green=green), gwp100=grams
        )


def ccf() -> Iterator[dict[str, Any]]:
    """Lines of bills."""
    module = _tests("ccf")
    for region, platform, kind, amount, vcpus, month, replication, kwh, tonnes in module.PUBLISHED:
        row = module.activity(platform, region, kind, amount, vcpus=vcpus, month=month, replication=replication)
        yield _case(
            CCF, f"{platform} {region or 'no region'} {amount:g} {kind} {month}", "ccf-2024", [row],
            energy=kwh, gwp100=tonnes * module.GRAMS_PER_TONNE,
        )  # fmt: skip


def boavizta() -> Iterator[dict[str, Any]]:
    """Cloud instances, servers and devices: use and manufacture, unrounded."""
    module = _tests("boavizta")
    for case in _records(module):
        row, said = module.activity(case), case["input"]
        expected = {
            f"{indicator}__{ours}": case["output_raw"][criterion][theirs]["value"] * scale
            for criterion, (indicator, scale) in module.INDICATORS.items()
            for theirs, ours in (("use", "use"), ("embedded", "embodied"))
            if case["output_raw"][criterion][theirs] is not None
        }
        load = "" if said["time_workload_pct"] is None else f", {said['time_workload_pct']}%"
        name = f"{row['platform']} {row.get('zone', 'no place')} {said['duration_hours']:g} h{load}"
        yield _case(BOAVIZTA, name, "boavizta-2.5", [row], **expected)
    for case in module.FIGURES:
        said = {name: case[name] for name in ("platform", "utilisation", "zone") if case[name] is not None}
        row = {"entity": "machine", "quantity": "instance_time", "value": case["hours"], "unit": "h", **said}
        expected = {
            f"{indicator}__{ours}": case[criterion][theirs] * scale
            for criterion, (indicator, scale) in module.INDICATORS.items()
            for theirs, ours in (("use", "use"), ("embedded", "embodied"))
            if case[criterion][theirs] is not None
        }
        load = "" if case["utilisation"] is None else f", {case['utilisation']:.0%}"
        name = f"{case['platform']} {case['zone'] or 'no place'} {case['hours']:g} h{load}"
        yield _case(BOAVIZTA, name, "boavizta-2.5", [row], **expected)


def main() -> None:
    """Writes the file."""
    cases = [*greenframe(), *web(), *ccf(), *boavizta()]
    document = json.dumps({"tools": TOOLS, "cases": cases}, ensure_ascii=False)
    # A case a line, so that a change can be read.
    text = document.replace('{"tool": "', '\n{"tool": "').replace("]}]}", "]}\n]}") + "\n"
    (HERE / "cases.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
