# SPDX-License-Identifier: Apache-2.0
"""Refuses naked constants in the model: a number that costs something is a factor, with a source and a range.

Two places are read: the Python modules of ``model/`` (numeric literals) and the method files beside them (numbers given
to a rule).
Usage: ``python tools/check_constants.py [MODEL_FOLDER]``. Prints ``file:line: what`` per finding; exit 1 when there is one.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

HARMLESS = frozenset({0, 1, 2})
"""Identities, indices, pairs and squares; -1 is a minus sign and 1. None of them stands for a property of the world."""

ALLOWED_FINAL: Mapping[str, Mapping[str, str]] = {
    "uncertainty.py": {
        "DRAWS": "size of the numerical experiment, not a property of the world",
        "LOW_QUANTILE": "definition of the printed 90 % range",
        "HIGH_QUANTILE": "definition of the printed 90 % range",
        "_KEPT": "size of a cache",
        "_ROUNDING": "rounding of sums, not a property of the world",
    },
    "batch.py": {"CHUNK": "rows in memory at once, not a property of the world"},
}
"""Module constants, annotated ``Final``, that may hold a number: they belong to statistics. Each with its reason."""

ALLOWED_LITERALS: Mapping[tuple[str, str], Mapping[float, str]] = {
    ("boavizta.py", "significant"): {10.0: "base of decimal notation"},
    ("uncertainty.py", "_middles"): {0.5: "mid-point of a slice"},
    ("uncertainty.py", "variance_shares"): {6: "from rank correlation to that of normal scores"},
    ("uncertainty.py", "_order"): {8: "bytes of the seed"},
    ("uncertainty.py", "_spread"): {0.5: "the median splits a triangle's two sides"},
    ("results.py", "_impact"): {16: "characters of an identifier"},
}
"""(module, function) -> literal -> why it is no factor."""

_RULE_TABLES = ("rule", "derive")


def _final_targets(tree: ast.Module, module: str) -> set[int]:
    """Identities of the value nodes of allowed ``Final`` constants."""
    allowed = ALLOWED_FINAL.get(module, {})
    return {
        id(node)
        for statement in tree.body
        if isinstance(statement, ast.AnnAssign)
        and isinstance(statement.target, ast.Name)
        and statement.target.id in allowed
        and "Final" in ast.unparse(statement.annotation)
        and statement.value is not None
        for node in ast.walk(statement.value)
    }


def _decorator_versions(tree: ast.Module) -> set[int]:
    """Identities of the values of ``version=`` in decorators: a formula's version is a name, not a quantity."""
    return {
        id(keyword.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Call)
        for keyword in decorator.keywords
        if keyword.arg == "version"
    }


def _literals(tree: ast.Module) -> Iterator[tuple[ast.Constant, str]]:
    """Every numeric literal and the name of the function that holds it."""

    def walk(node: ast.AST, owner: str) -> Iterator[tuple[ast.Constant, str]]:
        for child in ast.iter_child_nodes(node):
            inside = child.name if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) else owner
            if isinstance(child, ast.Constant) and isinstance(child.value, int | float | complex):
                if not isinstance(child.value, bool):
                    yield child, owner
            else:
                yield from walk(child, inside)

    yield from walk(tree, "<module>")


def check_module(path: Path) -> list[str]:
    """Naked numbers of one Python module."""
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    exempt = _final_targets(tree, path.name) | _decorator_versions(tree)
    return [
        f"{path}:{node.lineno}: naked constant {node.value!r} in {owner}; make it a factor with a source and a range"
        for node, owner in _literals(tree)
        if node.value not in HARMLESS
        and id(node) not in exempt
        and node.value not in ALLOWED_LITERALS.get((path.name, owner), {})
    ]


def _numbers(table: Any, where: str) -> Iterator[tuple[str, float]]:
    if isinstance(table, Mapping):
        for key, value in table.items():
            yield from _numbers(value, f"{where}.{key}" if where else str(key))
    elif isinstance(table, list):
        for value in table:
            yield from _numbers(value, where)
    elif isinstance(table, int | float) and not isinstance(table, bool):
        yield where, table
    elif isinstance(table, str) and re.fullmatch(r"\s*-?\d+(\.\d+)?([eE]-?\d+)?\s*", table):
        yield where, float(table)


def check_method(path: Path) -> list[str]:
    """Numbers bound in the rules and derivations of one method file; a condition (``when``) may compare with a number."""
    text = path.read_text(encoding="utf-8")
    table = tomllib.loads(text)
    found = []
    for kind in _RULE_TABLES:
        for position, rule in enumerate(table.get(kind, ())):
            heading = [m.start() for m in re.finditer(rf"^\[\[{kind}\]\]", text, re.MULTILINE)][position]
            line = text.count("\n", 0, heading) + 1
            found += [
                f"{path}:{line}: {kind} {rule.get('id', rule.get('indicator', '?'))!r} binds the number {value:g} ({key}); "
                "make it a factor with a source and a range"
                for key, value in _numbers({k: v for k, v in rule.items() if k != "when"}, "")
            ]
    bound = set(re.findall(r'"(?:attribute|context):([\w.]+)"', text))
    found += [
        f"{path}: default {key} = {value:g} is bound by a rule; make it a factor with a source and a range"
        for key, value in _numbers(table.get("defaults", {}), "")
        if key.removeprefix("context.") in bound
    ]
    return found


def check(model: Path) -> list[str]:
    """Findings of a model folder: its modules and ``methods/*.toml``.

    Raises:
        FileNotFoundError: there is no module at all, so that a moved folder cannot pass unread.
    """
    modules = sorted(model.glob("*.py"))
    methods = sorted(model.glob("methods/*.toml"))
    if not modules or not methods:
        raise FileNotFoundError(f"no modules or no methods in {model}")
    return [line for path in modules for line in check_module(path)] + [
        line for path in methods for line in check_method(path)
    ]


def main(arguments: list[str]) -> int:
    """Prints findings; 0 when there is none."""
    found = check(Path(arguments[0]) if arguments else Path("src/lichen/model"))
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
