# SPDX-License-Identifier: Apache-2.0
"""Secrets taken out of what is shown or kept: credentials and tokens in addresses, command words and sentences.

What is masked is decided by the name beside a value (``token=``, ``--password``) and by the shape of well-known tokens. A
secret without either, such as a bare path segment, cannot be told from any other text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import unquote

MASK: Final = "***"

_CREDENTIALS: Final = re.compile(r"(://)[^\s/?#]*@")
"""``user:password@`` (RFC 3986, section 3.2.1)."""
_ENCODED_CREDENTIALS: Final = re.compile(r"(%3A%2F%2F)(?:(?!%2F|%3F|%23|%26)[^\s/?#&])*%40", re.IGNORECASE)
"""The same in an address that is itself a parameter."""
_SHAPES: Final = re.compile(
    r"\beyJ[\w-]{4,}\.[\w-]{4,}(?:\.[\w-]*)?"  # JSON Web Token, RFC 7519
    r"|gh[opsur]_\w{6,}|github_pat_\w{6,}|glpat-[\w.-]{6,}"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{8,}"
    r"|\blichen_[0-9A-Za-z]{36}\b"
    r"|\bxox[a-z]-[\w-]{6,}|\bsk[-_](?:live|test|proj|ant)[-_][\w-]{6,}|\bAIza[\w-]{20,}"
)
_SCHEME: Final = re.compile(r"\b(Bearer|Basic)\s+[\w.~+/=-]{6,}")
"""Credentials of an Authorization header (RFC 9110, section 11.6.2); the schemes are written so, prose is not."""
_LABELLED: Final = re.compile(
    r"""\b(password|passwd|passphrase|secret|authorization|cookie)(["']?:\s*)(?:"[^"]*"|'[^']*'|\S+)""", re.IGNORECASE
)
_FIELD: Final = re.compile(r"""(?<![\w-])(\w{1,40}(?:[-_]\w{1,40}){1,8})(["']?:\s+|["']:)(?:"[^"]*"|'[^']*'|\S+)""")
"""A header field or a key of several words, and its value: ``X-Auth-Token: ...``."""
_LOGIN: Final = re.compile(
    r"(?<![\w./:@-])(?!(?:mailto|sip|npm):)([\w.-]{1,80}):[^\s/:@]+@(?!sha\d+:)(?=[A-Za-z\[]|\d+(?:\.\d+){3})"
)
"""``user:password@host`` without a scheme; an image by its digest, a version or a mail address is none."""
_OPTION: Final = re.compile(r"(--[\w-]{1,80})(\s+)(?!-)(?:\"[^\"]*\"|'[^']*'|\S+)")

_SEPARATOR: Final = re.compile(r"=|%(?:25)*3D", re.IGNORECASE)
_NAME_END: Final = re.compile(r"[\w.%\[\]$+-]+\Z")
_NAME_MAX: Final = 120
_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SECRET_WORDS: Final = frozenset(
    (
        "assertion", "auth", "authorization", "bearer", "cookie", "credential", "credentials", "jwt", "jwts", "otp",
        "passcode", "passphrase", "passwd", "password", "passwords", "pwd", "secret", "secrets", "session", "sid", "sig",
        "signature", "token", "tokens",
    )
)  # fmt: skip
_SECRET_ENDS: Final = ("apikey", "passwd", "password", "pwd", "secret", "sessid", "sessionid", "signature", "token")
"""Of names written as one word: ``PGPASSWORD``, ``PHPSESSID``, ``accesstoken``."""
_LOGIN_OPTIONS: Final = ("--user", "--proxy-user")
_KEYED: Final = frozenset(
    ("access", "account", "api", "app", "client", "encryption", "license", "master", "private", "secret", "shared", "signing",
     "storage", "subscription")
)  # fmt: skip
_CODED: Final = frozenset(
    ("access", "activation", "auth", "device", "invite", "login", "reset", "user", "verification")
)
_TRAILING: Final = ",.:;)]}'\"»"
"""Punctuation of the sentence around a value."""


def is_secret_name(name: str, *, in_address: bool = True) -> bool:
    """Whether a value called ``name`` is a secret.

    Args:
        name: of a parameter, a variable or an option, however it is cased and joined.
        in_address: ``key`` and ``code`` alone are secrets only as parameters of an address; elsewhere they are plain words.
    """
    if name.lstrip("-").lower() in ("key", "code", "x-key", "x-code"):
        return in_address
    words = [word.lower() for word in _WORDS.findall(name)]
    if not _SECRET_WORDS.isdisjoint(words) or "".join(words).endswith(_SECRET_ENDS):
        return True
    before = set(words[:-1])
    return bool(words) and (
        words[-1] == "pass"
        or (words[-1] == "key" and not before.isdisjoint(_KEYED))
        or (words[-1] == "code" and not before.isdisjoint(_CODED))
    )


def text(sentence: str) -> str:
    """``sentence`` (an address, a word of a command, prose that holds them) with its secrets masked.

    Credentials before a host are taken out; values with a secret's name, and well-known tokens, become ``***``. Masking
    twice changes nothing.
    """
    shown = _ENCODED_CREDENTIALS.sub(r"\1", _CREDENTIALS.sub(r"\1", sentence))
    shown = _SCHEME.sub(rf"\1 {MASK}", _SHAPES.sub(MASK, _pairs(shown)))
    shown = _LABELLED.sub(rf"\1\2{MASK}", _LOGIN.sub(rf"\1:{MASK}@", shown))
    shown = _FIELD.sub(lambda found: f"{found[1]}{found[2]}{MASK}" if _is_secret_field(found[1]) else found[0], shown)
    return _OPTION.sub(lambda found: f"{found[1]}{found[2]}{MASK}" if _is_option(found[1]) else found[0], shown)


def words(command: Iterable[object]) -> list[str]:
    """The words of a command, masked; so is the word after an option such as ``--password``."""
    shown: list[str] = []
    hide = login = False
    for word in map(str, command):
        if login or (word.startswith(_LOGIN_OPTIONS) and "=" in word):
            option, sign, value = word.rpartition("=") if word.startswith("--") else ("", "", word)
            shown.append(f"{option}{sign}{_without_password(value)}")
        else:
            shown.append(MASK if hide and not word.startswith("-") else text(word))
        hide = _is_option(word)
        login = word in ("-u", *_LOGIN_OPTIONS)
    return shown


def _without_password(login: str) -> str:
    """``user:password`` without its password; a user's id and a group's (``1000:1000``) stay."""
    user, sign, secret = login.partition(":")
    return f"{user}:{MASK}" if sign and secret and not secret.isdigit() and "//" not in secret else text(login)


def tree(value: Any) -> Any:
    """A JSON value with every text masked; lists of texts are taken as words of a command."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, Mapping):
        return {
            key: MASK if isinstance(key, str) and isinstance(item, str) and is_secret_name(key) else tree(item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return words(value) if all(isinstance(item, str) for item in value) else [tree(item) for item in value]
    return value


def _is_option(word: str) -> bool:
    """Whether the next word is a secret: ``--password``, and ``-password`` of programs that write all options so."""
    return word[:1] == "-" and "=" not in word and is_secret_name(word.lstrip("-"), in_address=False)


def _is_secret_field(name: str) -> bool:
    return is_secret_name(name, in_address=False)


def _pairs(sentence: str) -> str:
    """Values after ``name=``, the sign and the separators being percent-encoded or not, and nested or not."""
    pieces: list[str] = []
    done = 0
    for sign in _SEPARATOR.finditer(sentence):
        if sign.start() < done:
            continue
        before = _NAME_END.search(sentence[max(done, sign.start() - _NAME_MAX) : sign.start()])
        if before is None:
            continue
        names = re.split(r"[?&#;/:=]", unquote(unquote(before[0])))
        preceding = sentence[max(0, sign.start() - len(before[0]) - 1) : sign.start() - len(before[0])]
        if not is_secret_name(names[-1], in_address=len(names) > 1 or preceding in tuple("?&#;")):
            continue
        end = _value_end(sentence, sign.end(), encoded=sign[0] != "=")
        if end > sign.end():
            pieces += [sentence[done : sign.end()], MASK]
            done = end
    return "".join([*pieces, sentence[done:]])


def _value_end(sentence: str, start: int, *, encoded: bool) -> int:
    quote = sentence[start : start + 1]
    if quote in ('"', "'") and (closing := sentence.find(quote, start + 1)) > 0:
        return closing + 1
    stop = r"[\s&#]|%(?:25)*2[36]" if encoded else r"[\s&#]"
    found = re.compile(stop).search(sentence, start)
    end = found.start() if found else len(sentence)
    return start + len(sentence[start:end].rstrip(_TRAILING))
