# SPDX-License-Identifier: Apache-2.0
"""How a step is called: its name and its dwell, checked in a journey's text where they can be seen, else when it runs."""

from __future__ import annotations

import ast
import contextlib
import unicodedata
from collections.abc import Iterator
from numbers import Real
from pathlib import Path
from typing import Final

from lichen.collect.entities import BETWEEN
from lichen.errors import ConfigError

_LONGEST_DWELL_S: Final = 86_400


def check_step(name: object, dwell_s: object, where: str) -> str:
    """``name`` when it can name a step and ``dwell_s`` can be its dwell; ConfigError that says ``where`` otherwise."""
    if not isinstance(name, str) or not name.strip():
        raise ConfigError(f"{where}: a step has no name.", repair='Write step("some name").', culprit=where)
    problem = "'/', which separates application, part, journey and step" if "/" in name else unwritable(name)
    if problem:
        shown = f"'{name}'" if name.isprintable() else repr(name)
        raise ConfigError(
            f"{where}: the step name {shown} contains {problem}.", repair="Use another character.", culprit=where
        )
    if name == BETWEEN:
        raise ConfigError(
            f"{where}: the step name '{name}' stands for the time between steps.",
            repair="Use another name.",
            culprit=where,
        )
    if dwell_s is not None and not _is_dwell(dwell_s):
        raise ConfigError(
            f"{where}: the dwell of the step '{name}' is {dwell_s!r}.",
            repair=f"Give seconds, from 0 to {_LONGEST_DWELL_S}.",
            culprit=where,
        )
    return name


def unused_step(name: str, where: str) -> ConfigError:
    """The error for a step that was called and not entered."""
    return ConfigError(
        f"{where}: the step '{name}' is called without 'with', so that nothing belongs to it.",
        repair=f'Write: with step("{name}"): ...',
        culprit=where,
    )


def unwritable(name: str) -> str:
    """What makes ``name`` impossible to write in a file or on a line; empty when nothing does."""
    kinds = {unicodedata.category(character) for character in name}
    if "Cs" in kinds:
        return "half of a surrogate pair, which no text file can hold"
    return "a control character or a line break" if kinds & {"Cc", "Zl", "Zp"} else ""


def _is_dwell(value: object) -> bool:
    """Whether ``value`` is a number of seconds; NumPy's numbers are, a truth value is not."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return False
    return 0 <= float(value) <= _LONGEST_DWELL_S


def check_literal_steps(path: Path, tree: ast.Module) -> None:
    """Refuses wrong step names that are visible in the text; names computed at run time are checked then."""
    seen: dict[str, int] = {}
    for function in tree.body:
        if not isinstance(function, ast.FunctionDef) or function.name != "journey":
            continue
        for statement in function.body:
            if isinstance(statement, ast.If | ast.Try | ast.Match):
                continue  # branches may rightly use one name twice
            for call in _step_calls(statement, step=_second_argument(function)):
                where = f"{path}:{call.lineno}"
                _check_keywords(call, where)
                name = call.args[0]
                if not isinstance(name, ast.Constant):
                    continue
                text = check_step(name.value, _literal_dwell(call), where)
                if isinstance(statement, ast.Expr) and statement.value is call:
                    raise unused_step(text, where)
                if text in seen:
                    raise ConfigError(
                        f"{path}:{call.lineno}: the step '{text}' is already used in line {seen[text]}.",
                        repair="Give each step a name of its own.",
                        culprit=f"{path}:{call.lineno}",
                    )
                seen[text] = call.lineno


def _check_keywords(call: ast.Call, where: str) -> None:
    """A step takes its name and ``dwell``; a slip of the latter would otherwise be found in the middle of a measurement."""
    unknown = next((word.arg for word in call.keywords if word.arg not in ("name", "dwell", None)), None)
    if unknown is not None or len(call.args) > 1:
        problem = f"has no '{unknown}'" if unknown is not None else "takes one word, its name"
        raise ConfigError(
            f"{where}: a step {problem}.", repair='Write: with step("name", dwell=seconds): ...', culprit=where
        )


def _literal_dwell(call: ast.Call) -> object:
    for word in call.keywords:
        if word.arg == "dwell":
            with contextlib.suppress(ValueError):
                return ast.literal_eval(word.value)
    return None


def _second_argument(function: ast.FunctionDef) -> str:
    arguments = [*function.args.posonlyargs, *function.args.args]
    return arguments[1].arg if len(arguments) > 1 else "step"


def _step_calls(node: ast.AST, *, step: str) -> Iterator[ast.Call]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Name) and inner.func.id == step and inner.args:
            yield inner
