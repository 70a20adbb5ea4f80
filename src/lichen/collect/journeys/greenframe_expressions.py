# SPDX-License-Identifier: Apache-2.0
"""Expressions of a GreenFrame scenario in Python: literals, names, calls of Playwright, assertions."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from lichen.collect.journeys.greenframe_calls import (
    ASSERTIONS,
    CALLS,
    HELPERS,
    PROPERTIES,
    PYTHON_PROPERTIES,
    SCREENSHOTS,
    snake,
)

if TYPE_CHECKING:
    from tree_sitter import Node

_ARITHMETIC: Final = frozenset(("+", "-", "*", "/"))
_NAMES: Final = {"true": "True", "false": "False", "null": "None", "undefined": "None"}
_RESERVED: Final = frozenset(("page", "step", "journey", "prepare", "os", "re", "expect", *HELPERS))
_ESCAPES: Final[Mapping[str, str]] = {
    "n": "\n",
    "t": "\t",
    "r": "\r",
    "b": "\b",
    "f": "\f",
    "v": "\v",
    "0": "\0",
    "\n": "",
}


class CannotError(Exception):
    """A statement cannot be rewritten. ``line``: of the scenario, from 1."""

    def __init__(self, node: Node, problem: str) -> None:
        super().__init__(problem)
        self.line = node.start_point[0] + 1


def text_of(node: Node) -> str:
    """The node's source."""
    return (node.text or b"").decode(errors="replace")


def field_of(node: Node, name: str) -> Node:
    """A named child; CannotError when it is missing."""
    child = node.child_by_field_name(name)
    if child is None:
        raise CannotError(node, f"'{short(node)}' is not understood")
    return child


def a_kind(kind: str) -> str:
    """The parser's name of a kind of node, with its article.

    >>> a_kind("if_statement"), a_kind("for_in_statement")
    ('an if statement', 'a for in statement')
    """
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind.replace('_', ' ')}"


def short(node: Node) -> str:
    """The node's source as a message shows it."""
    return " ".join(text_of(node).split())[:60]


def inner(node: Node) -> list[Node]:
    """Named children but comments."""
    return [child for child in node.named_children if child.type != "comment"]


def _unescaped(sequence: str) -> str:
    """The character of an escape sequence."""
    body = sequence[1:]
    if body.startswith(("x", "u")):
        return chr(int(body[1:].strip("{}"), 16))
    return _ESCAPES.get(body, body)


def string_of(node: Node) -> str:
    """Value of a text literal."""
    parts = [_unescaped(text_of(c)) if c.type == "escape_sequence" else text_of(c) for c in node.named_children]
    return "".join(parts)


class Expressions:
    """Writes expressions.

    Args:
        base_path: path of the base address, which every relative address is appended to.

    Attributes:
        page: name of the scenario's page. helpers, imports: what the expressions written so far need.
    """

    def __init__(self, base_path: str) -> None:
        self._base_path = base_path.rstrip("/")
        self._names: dict[str, str] = {}
        self.page = ""
        self.helpers: set[str] = set()
        self.imports: set[str] = set()

    def navigation(self, wait: Node) -> str:
        """Options of ``expect_navigation``: GreenFrame's ``path`` is an address of the site."""
        arguments = inner(field_of(wait, "arguments"))
        words = dict(self._pairs(arguments[0])) if arguments else {}
        path = words.pop("path", None)
        if path is not None:
            words = {"url": self._address(path), **words}
        return ", ".join(f"{snake(key)}={value}" for key, value in words.items())

    def expression(self, node: Node) -> str:
        """An expression in Python; CannotError names what has no twin there."""
        kind = node.type
        if kind in ("await_expression", "parenthesized_expression"):
            return self.expression(inner(node)[0])
        if kind == "string":
            return repr(string_of(node))
        if kind == "number":
            return self._number(node)
        if kind in _NAMES:
            return _NAMES[kind]
        if kind == "array":
            return f"[{', '.join(self.expression(item) for item in inner(node))}]"
        if kind == "object":
            return "{" + ", ".join(f"{key!r}: {value}" for key, value in self._pairs(node)) + "}"
        if kind == "identifier":
            return self._identifier(node)
        write = {
            "template_string": self._template, "regex": self._regex, "call_expression": self._call,
            "binary_expression": self._binary, "unary_expression": self._unary, "member_expression": self._member,
        }.get(kind)  # fmt: skip
        if write is None:
            raise CannotError(node, f"'{short(node)}' is {a_kind(kind)}, which is not rewritten")
        return write(node)

    def _number(self, node: Node) -> str:
        text = text_of(node)
        if not re.fullmatch(r"(\d[\d_]*)?\.?\d[\d_]*(e[+-]?\d+)?|0[xob][0-9a-f_]+", text, re.IGNORECASE):
            raise CannotError(node, f"the number {text} is not rewritten")
        return text

    def _identifier(self, node: Node) -> str:
        name = text_of(node)
        if name == self.page:
            return "page"
        if name not in self._names:
            raise CannotError(node, f"'{name}' is not declared in the scenario, or in a way that is not rewritten")
        return self._names[name]

    def declare(self, node: Node) -> str:
        """The Python name of what is declared."""
        if node.type != "identifier":
            raise CannotError(node, f"'{short(node)}' takes something apart, which is not rewritten")
        plain = snake(text_of(node)).replace("$", "_")
        taken = plain in _RESERVED or keyword.iskeyword(plain) or plain in self._names.values()
        chosen = f"{plain}_{len(self._names)}" if taken else plain
        if not chosen.isidentifier():
            raise CannotError(node, f"the name '{short(node)}' is not rewritten")
        self._names[text_of(node)] = chosen
        return chosen

    def _template(self, node: Node) -> str:
        parts = []
        for child in node.named_children:
            if child.type == "template_substitution":
                parts.append("{" + self.expression(inner(child)[0]) + "}")
            else:
                text = _unescaped(text_of(child)) if child.type == "escape_sequence" else text_of(child)
                parts.append(text.replace("{", "{{").replace("}", "}}"))
        text = "".join(parts)
        if not any(child.type == "template_substitution" for child in node.named_children):
            return repr(text.replace("{{", "{").replace("}}", "}"))
        quoted = text.replace("\\", "\\\\").replace('"""', r"\"\"\"")
        if '"' in quoted or "\n" in quoted:
            raise CannotError(node, "a template text with quotes or line breaks is not rewritten")
        return f'f"{quoted}"'

    def _regex(self, node: Node) -> str:
        self.imports.add("re")
        flags = node.child_by_field_name("flags")
        known = {"i": "re.IGNORECASE", "m": "re.MULTILINE", "s": "re.DOTALL"}
        words = [known.get(flag, "") for flag in (text_of(flags) if flags is not None else "")]
        if "" in words:
            raise CannotError(node, f"the flags of '{short(node)}' are not rewritten")
        pattern = text_of(field_of(node, "pattern")).replace("\\/", "/")
        return f"re.compile({', '.join([repr(pattern), *(['|'.join(words)] if words else [])])})"

    def _binary(self, node: Node) -> str:
        operator = text_of(field_of(node, "operator"))
        if operator not in _ARITHMETIC:
            raise CannotError(node, f"the operator {operator} in '{short(node)}' is not rewritten")
        left, right = self.expression(field_of(node, "left")), self.expression(field_of(node, "right"))
        return f"({left} {operator} {right})"

    def _unary(self, node: Node) -> str:
        if text_of(field_of(node, "operator")) != "-":
            raise CannotError(node, f"'{short(node)}' is not rewritten")
        return f"-{self.expression(field_of(node, 'argument'))}"

    def _member(self, node: Node) -> str:
        text = text_of(node)
        environment = re.fullmatch(r"process\.env\.(\w+)", text)
        if environment is not None:
            self.imports.add("os")
            return f"os.environ[{environment[1]!r}]"
        name = text_of(field_of(node, "property"))
        if name not in PROPERTIES:
            raise CannotError(node, f"'{short(node)}' is not rewritten")
        return f"{self.expression(field_of(node, 'object'))}.{snake(name)}"

    def _pairs(self, node: Node) -> Iterator[tuple[str, str]]:
        """Keys and values of an object."""
        if node.type != "object":
            raise CannotError(node, f"'{short(node)}' is no table of options")
        for pair in inner(node):
            if pair.type == "shorthand_property_identifier":
                yield text_of(pair), self._identifier(pair)
                continue
            if pair.type != "pair":
                raise CannotError(pair, f"'{short(pair)}' is not rewritten")
            key = field_of(pair, "key")
            yield (string_of(key) if key.type == "string" else text_of(key)), self.expression(field_of(pair, "value"))

    # --- calls ----------------------------------------------------------------------------------

    def _call(self, node: Node) -> str:
        function = field_of(node, "function")
        if function.type != "member_expression":
            raise CannotError(node, f"'{short(function)}' is not a call of the page, of what it gives, or of expect")
        target, name = field_of(function, "object"), text_of(field_of(function, "property"))
        arguments = inner(field_of(node, "arguments"))
        if name in ASSERTIONS:
            return self._assertion(target, name, arguments)
        if text_of(target) == self.page and name in SCREENSHOTS:
            raise CannotError(node, f"page.{name} has no place in a measurement: take it out")
        if text_of(target) == self.page:
            special = self._special(name, node, arguments)
            if special is not None:
                return special
        if name in PYTHON_PROPERTIES and not arguments:
            return f"{self.expression(target)}.{name}"
        if name not in CALLS:
            raise CannotError(node, f"the call '.{name}()' is not rewritten")
        python, functions = CALLS[name]
        if name == "waitForFunction" and len(arguments) > 1:
            given = [
                repr(text_of(arguments[0])),
                f"arg={self.expression(arguments[1])}",
                *self._arguments(arguments[2:], 0),
            ]
            return f"{self.expression(target)}.{python}({', '.join(given)})"
        return f"{self.expression(target)}.{python}({', '.join(self._arguments(arguments, functions))})"

    def _special(self, name: str, node: Node, arguments: list[Node]) -> str | None:
        """GreenFrame's own helpers, and calls that Python's Playwright names otherwise."""
        if name == "goto":
            if not arguments:
                raise CannotError(node, "goto has no address")
            words = [self._address(self.expression(arguments[0])), *self._arguments(arguments[1:], 0)]
            return f"page.goto({', '.join(words)})"
        if name == "waitForNetworkIdle":
            return 'page.wait_for_load_state("networkidle")'
        if name == "waitForNavigation":
            options = self.navigation(node)
            return (
                f"page.wait_for_url({options.removeprefix('url=')})"
                if "url=" in options
                else "page.wait_for_load_state()"
            )
        if name in ("scrollToElement", "scrollByDistance", "scrollToEnd"):
            helper = snake(name)
            self.helpers.add(helper)
            return f"{helper}({', '.join(['page', *self._arguments(arguments, 0)])})"
        return None

    def _address(self, written: str) -> str:
        """An address as GreenFrame takes it: behind the base address, path included."""
        literal = re.fullmatch(r"(['\"])(.*)\1", written)
        if literal is None:
            return f"{self._base_path!r} + {written}" if self._base_path else written
        if re.match(r"https?://", literal[2]):
            return written
        path = f"{self._base_path}{literal[2]}"
        return repr(path if path.startswith("/") else f"/{path}")

    def _assertion(self, target: Node, name: str, arguments: list[Node]) -> str:
        negated = target.type == "member_expression" and text_of(field_of(target, "property")) == "not"
        subject = field_of(target, "object") if negated else target
        if subject.type != "call_expression" or text_of(field_of(subject, "function")) != "expect":
            raise CannotError(target, f"'.{name}()' is understood behind expect(...) only")
        self.imports.add("from playwright.sync_api import expect")
        checked = ", ".join(self.expression(one) for one in inner(field_of(subject, "arguments")))
        words = self._arguments(arguments, 0)
        if name == "toHaveURL" and words:
            words[0] = self._address(words[0])
        return f"expect({checked}).{'not_' if negated else ''}{snake(name)}({', '.join(words)})"

    def _arguments(self, arguments: list[Node], functions: int) -> list[str]:
        """Arguments in Python; a table of options at the end becomes keywords.

        Args:
            functions: position (from 1) of a function that runs in the page and is handed on as text; 0: none. What follows
                it is the function's own argument, as it is.
        """
        words: list[str] = []
        for position, argument in enumerate(arguments, start=1):
            if functions and position == functions:
                words.append(repr(text_of(argument) if argument.type != "string" else string_of(argument)))
            elif argument.type == "object" and position == len(arguments) and not functions:
                words += [f"{snake(key)}={value}" for key, value in self._pairs(argument)]
            else:
                words.append(self.expression(argument))
        return words
