# SPDX-License-Identifier: Apache-2.0
"""Small safe expressions over named fields: the language of the rules in a product declaration.

An expression is parsed once, checked against a white list of syntax and names, then evaluated by walking the
tree: nothing is ever compiled to code. Unknown operands (None) make the result unknown.
"""

import ast
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

Value = float | int | str | bool | None

MAX_LENGTH: Final = 400

_BINARY: Final[dict[type[ast.operator], Callable[[float, float], float]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_COMPARE: Final[dict[type[ast.cmpop], Callable[[float, float], bool]]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_FUNCTIONS: Final[dict[str, Callable[..., float]]] = {"min": min, "max": max, "abs": abs}


class ExpressionError(ValueError):
    """The text is not an expression of this language; the message names the offending part."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A checked expression, ready to be evaluated.

    Attributes:
        text: the source, as declared.
        names: the fields that it reads.
    """

    text: str
    names: frozenset[str]
    _root: ast.expr

    def evaluate(self, values: Mapping[str, Value]) -> Value:
        """Evaluate on field values.

        Args:
            values: field name to value; None, or an absent name, is unknown.

        Returns:
            The result, or None when an operand it needs is unknown or the arithmetic has no result
            (division by zero). `and` and `or` conclude when the known side suffices.
        """
        return _evaluate(self._root, values)


def parse(text: str) -> Expression:
    """Check one expression.

    Args:
        text: for example ``amount_eur <= 0.25 * turnover_eur and sector != "finance"``.

    Returns:
        The expression.

    Raises:
        ExpressionError: the text is too long, malformed, or uses anything outside the language.
    """
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"it is longer than {MAX_LENGTH} characters")
    try:
        root = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ExpressionError("it cannot be parsed") from error
    return Expression(text=text, names=frozenset(_names(root)), _root=root)


def _names(node: ast.expr) -> Iterator[str]:
    """Yield the field names below a node, refusing all syntax outside the language."""
    match node:
        case ast.Constant(value=bool() | int() | float() | str()):
            return
        case ast.Name(id=name):
            yield name
            return
        case ast.BoolOp(values=parts):
            children = list(parts)
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            children = [operand]
        case ast.BinOp(left=left, op=binary, right=right) if type(binary) in _BINARY:
            children = [left, right]
        case ast.Compare(left=left, ops=[ast.In() | ast.NotIn()], comparators=[ast.Tuple(elts=members)]):
            children = [left, *members]
        case ast.Compare(left=left, ops=ops, comparators=rights) if all(type(op) in _COMPARE for op in ops):
            children = [left, *rights]
        case ast.IfExp(test=test, body=body, orelse=orelse):
            children = [test, body, orelse]
        case ast.Call(func=ast.Name(id=function), args=arguments, keywords=[]) if function in _FUNCTIONS:
            if not arguments or (function == "abs") != (len(arguments) == 1):
                raise ExpressionError(f"`{function}` has the wrong number of arguments")
            children = list(arguments)
        case _:
            raise ExpressionError(f"`{ast.unparse(node)}` is not allowed")
    for child in children:
        yield from _names(child)


def _evaluate(node: ast.expr, values: Mapping[str, Value]) -> Value:
    match node:
        case ast.Constant(value=value):
            return value  # type: ignore[return-value]  # parse() admits these four types only
        case ast.Name(id=name):
            return values.get(name)
        case ast.BoolOp(op=op, values=parts):
            return _junction([_evaluate(part, values) for part in parts], absorbing=isinstance(op, ast.Or))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            truth = _evaluate(operand, values)
            return None if truth is None else not truth
        case ast.UnaryOp(operand=operand):
            return _arithmetic(operator.neg, [_evaluate(operand, values)])
        case ast.BinOp(left=left, op=binary, right=right):
            return _arithmetic(_BINARY[type(binary)], [_evaluate(left, values), _evaluate(right, values)])
        case ast.Compare():
            return _comparison(node, values)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            truth = _evaluate(test, values)
            return None if truth is None else _evaluate(body if truth else orelse, values)
        case ast.Call(func=ast.Name(id=function), args=arguments):
            return _arithmetic(_FUNCTIONS[function], [_evaluate(argument, values) for argument in arguments])
        case _:
            raise ExpressionError(f"`{ast.unparse(node)}` is not a value")


def _junction(truths: list[Value], *, absorbing: bool) -> bool | None:
    """Three-valued `or` (absorbing is True) or `and` (absorbing is False), after Kleene."""
    if any(truth is not None and bool(truth) is absorbing for truth in truths):
        return absorbing
    return None if None in truths else not absorbing


def _arithmetic(function: Callable[..., float], operands: list[Value]) -> float | None:
    if any(operand is None or isinstance(operand, str) for operand in operands):
        return None
    try:
        return function(*operands)
    except (ZeroDivisionError, OverflowError):
        return None


def _comparison(node: ast.Compare, values: Mapping[str, Value]) -> bool | None:
    left = _evaluate(node.left, values)
    if isinstance(node.comparators[0], ast.Tuple):
        members = [_evaluate(member, values) for member in node.comparators[0].elts]
        return None if left is None else (left in members) is isinstance(node.ops[0], ast.In)
    outcomes: list[Value] = []
    for op, comparator in zip(node.ops, node.comparators, strict=True):
        right = _evaluate(comparator, values)
        outcomes.append(_compare(_COMPARE[type(op)], left, right))
        left = right
    return _junction(outcomes, absorbing=False)


def _compare(comparison: Callable[..., bool], left: Value, right: Value) -> bool | None:
    """Compare two numbers or two texts; anything else has no answer."""
    if left is None or right is None or isinstance(left, str) is not isinstance(right, str):
        return None
    return comparison(left, right)
