# SPDX-License-Identifier: Apache-2.0
"""A scenario of GreenFrame (JavaScript, driving Playwright) rewritten as a Python journey.

Statement by statement: calls of Playwright's page, locators, keyboard and mouse, GreenFrame's own helpers, constants, and
assertions of ``expect``. Whatever else there is (branches, loops, other modules) is named with its line, and then nothing is
written: half a scenario measures something else. Milestones become steps.

Behaviour: scenarios of greenframe-cli 2.0.1 (``goto`` appends to the base address; ``addMilestone`` marks an instant). Grammar:
tree-sitter-javascript (MIT).
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from lichen.collect.journeys.greenframe_calls import HELPERS
from lichen.collect.journeys.greenframe_expressions import (
    CannotError,
    Expressions,
    a_kind,
    field_of,
    inner,
    short,
    string_of,
    text_of,
)
from lichen.collect.journeys.naming import step_name

if TYPE_CHECKING:
    from tree_sitter import Node

_FIRST: Final = "start"
"""Name of the step before the first milestone."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What cannot be rewritten, and where."""

    line: int
    text: str


@dataclass(slots=True)
class Scenario:
    """A scenario after rewriting.

    Attributes:
        python: the journey's source; empty when there are problems.
        problems: what cannot be rewritten, in the order of lines.
        dropped: what was left out because it does nothing for a measurement, one phrase each.
    """

    python: str = ""
    problems: list[Problem] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)


def rewrite(source: bytes, *, title: str, base_path: str = "") -> Scenario:
    """A scenario as a Python journey.

    Args:
        source: of the JavaScript file.
        title: what the journey says of itself in its first line.
        base_path: path of the base address, which every relative address is appended to.
    """
    import tree_sitter_javascript
    from tree_sitter import Language, Parser

    root = Parser(Language(tree_sitter_javascript.language())).parse(source).root_node
    writer = _Writer(base_path)
    if root.has_error:
        broken = next(node for node in _walk(root) if node.is_error or node.is_missing)
        return Scenario(problems=[Problem(broken.start_point[0] + 1, "this is not valid JavaScript")])
    try:
        writer.module(root)
    except CannotError as error:
        writer.problems.append(Problem(error.line, str(error)))
    except RecursionError:
        writer.problems.append(Problem(1, "the scenario is nested too deeply"))
    found = Scenario(problems=sorted(writer.problems, key=lambda one: one.line), dropped=writer.dropped)
    if not found.problems:
        found.python = writer.text(title)
    return found


def _walk(node: Node) -> Iterator[Node]:
    waiting = [node]
    while waiting:
        current = waiting.pop()
        yield current
        waiting.extend(reversed(current.children))


class _Writer(Expressions):
    """Collects the Python lines of one scenario."""

    def __init__(self, base_path: str) -> None:
        super().__init__(base_path)
        self._constants: list[str] = []
        self._steps: list[tuple[str, list[str]]] = []
        self._taken: set[str] = set()
        self._functions: dict[str, Node] = {}
        self.problems: list[Problem] = []
        self.dropped: list[str] = []

    def text(self, title: str) -> str:
        """The whole journey."""
        parts = [f'"""{title}"""'.replace("\\", "/"), ""]
        imports = sorted(f"import {name}" for name in self.imports if " " not in name)
        imports += sorted(name for name in self.imports if " " in name)
        parts += [*imports, ""] if imports else []
        parts += [*self._constants, ""] if self._constants else []
        for helper in sorted(self.helpers):
            parts += ["", HELPERS[helper].strip(), ""]
        parts += ["", "def journey(page, step):"]
        for name, lines in self._steps or [("scenario", [])]:
            parts.append(f"    with step({name!r}):")
            parts += [textwrap.indent(line, " " * 8) for line in lines or ["pass"]]
        return re.sub(r"\n{4,}", "\n\n\n", "\n".join(parts)) + "\n"

    # --- statements -----------------------------------------------------------------------------

    def module(self, root: Node) -> None:
        """The file: constants, and the function that it exports."""
        exported: Node | None = None
        for statement in inner(root):
            found = self._exported(statement)
            if found is not None:
                exported = found
            elif statement.type in ("lexical_declaration", "variable_declaration"):
                self._each(statement, self._constant)
            elif statement.type == "function_declaration":
                self._functions[text_of(field_of(statement, "name"))] = statement
            elif text_of(statement).strip(";") not in ("'use strict'", '"use strict"', ""):
                self._cannot(statement, f"'{short(statement)}' stands outside the scenario's function")
        if exported is not None and exported.type == "identifier":
            exported = self._functions.get(text_of(exported))
        if exported is None or exported.type not in (
            "arrow_function", "function_expression", "function", "function_declaration"
        ):  # fmt: skip
            raise CannotError(root, "it exports no function: module.exports = async (page) => {...} is missing")
        self._function(exported)

    def _exported(self, statement: Node) -> Node | None:
        if statement.type == "export_statement":
            return statement.child_by_field_name("value") or statement.child_by_field_name("declaration")
        parts = inner(statement)
        if statement.type != "expression_statement" or not parts or parts[0].type != "assignment_expression":
            return None
        if text_of(field_of(parts[0], "left")) not in ("module.exports", "exports.default"):
            return None
        return field_of(parts[0], "right")

    def _function(self, function: Node) -> None:
        single = function.child_by_field_name("parameter")
        parameters = [single] if single is not None else inner(field_of(function, "parameters"))
        if len(parameters) != 1 or parameters[0].type != "identifier":
            raise CannotError(function, "the scenario's function does not take the page alone")
        self.page = text_of(parameters[0])
        body = field_of(function, "body")
        statements = inner(body) if body.type == "statement_block" else [body]
        for statement in statements:
            self._each(statement, self._statement)

    def _each(self, statement: Node, write: Callable[[Node], None]) -> None:
        """Writes a statement; what cannot be written is kept, so that all problems are told at once."""
        try:
            write(statement)
        except CannotError as error:
            self.problems.append(Problem(error.line, str(error)))

    def _cannot(self, node: Node, problem: str) -> None:
        self.problems.append(Problem(node.start_point[0] + 1, problem))

    def _add(self, line: str) -> None:
        if not self._steps:
            self._steps.append((step_name(_FIRST, self._taken), []))
        self._steps[-1][1].append(line)

    def _constant(self, statement: Node) -> None:
        for declared in inner(statement):
            name, value = field_of(declared, "name"), field_of(declared, "value")
            if value.type in ("arrow_function", "function_expression", "function"):
                self._functions[text_of(name)] = value
            elif text_of(value).startswith("require("):
                self._require(declared, name, value)
            else:
                self._constants.append(f"{self.declare(name)} = {self.expression(value)}")

    def _require(self, declared: Node, name: Node, value: Node) -> None:
        if "@playwright/test" not in text_of(value) or text_of(name).replace(" ", "") != "{expect}":
            raise CannotError(declared, f"the module of '{short(value)}' is not available to a journey")

    def _statement(self, statement: Node) -> None:
        kind = statement.type
        if kind in ("empty_statement", "return_statement") and not inner(statement):
            return
        if kind in ("lexical_declaration", "variable_declaration"):
            for declared in inner(statement):
                value = self.expression(field_of(declared, "value"))
                self._add(f"{self.declare(field_of(declared, 'name'))} = {value}")
        elif kind == "expression_statement" or kind in ("await_expression", "call_expression"):
            self._action(inner(statement)[0] if kind == "expression_statement" else statement)
        else:
            raise CannotError(statement, f"'{short(statement)}' is {a_kind(kind)}, which is not rewritten")

    def _action(self, node: Node) -> None:
        while node.type in ("await_expression", "parenthesized_expression"):
            node = inner(node)[0]
        if node.type != "call_expression":
            raise CannotError(node, f"'{short(node)}' is no call")
        callee = text_of(field_of(node, "function"))
        if callee.startswith("console."):
            self.dropped.append(f"line {node.start_point[0] + 1}: {callee}")
        elif callee == f"{self.page}.addMilestone":
            self._milestone(node)
        elif callee == "Promise.all":
            self._together(node)
        else:
            self._add(self.expression(node))

    def _milestone(self, node: Node) -> None:
        arguments = inner(field_of(node, "arguments"))
        if len(arguments) != 1 or arguments[0].type != "string":
            raise CannotError(node, "the title of a milestone is not a plain text")
        name = step_name(string_of(arguments[0]), self._taken)
        self._steps.append((name, []))

    def _together(self, node: Node) -> None:
        """``Promise.all([page.waitForNavigation(), page.click(...)])``: an action, and the navigation that it leads to."""
        arguments = inner(field_of(node, "arguments"))
        calls = inner(arguments[0]) if len(arguments) == 1 and arguments[0].type == "array" else []
        waits = [call for call in calls if text_of(call).startswith(f"{self.page}.waitForNavigation(")]
        others = [call for call in calls if call not in waits]
        if len(waits) != 1 or len(others) != 1:
            raise CannotError(node, "Promise.all is rewritten only for one waitForNavigation and one action")
        options = self.navigation(waits[0])
        self._add(f"with page.expect_navigation({options}):\n    {self.expression(others[0])}")
