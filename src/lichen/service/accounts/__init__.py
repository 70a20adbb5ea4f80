# SPDX-License-Identifier: Apache-2.0
"""Accounts: people and their sessions, tokens of programs, and the log of what was done."""

from lichen.service.accounts.audit import By, events, note
from lichen.service.accounts.passwords import LENGTH_MIN, check_strength
from lichen.service.accounts.people import (
    ROLES,
    SCOPES,
    Person,
    Scope,
    add_user,
    check_password,
    clean_email,
    clean_name,
    find_user,
    get_user,
    person_of,
    set_active,
    set_admin,
    set_password,
    set_role,
)
from lichen.service.accounts.signing_in import (
    FIRST_EMAIL,
    LINK_LASTS,
    SESSION_IDLE,
    SESSION_MAX,
    close_session,
    find_session,
    needs_link,
    one_time_link,
    open_session,
    redeem_link,
)
from lichen.service.accounts.throttle import Throttle
from lichen.service.accounts.token_text import is_wellformed, new_text
from lichen.service.accounts.tokens import (
    DAYS_DEFAULT,
    Minted,
    TokenHolder,
    TokenRequest,
    mint_token,
    revoke_token,
    touch_token,
    verify_token,
)
from lichen.store.models import Role

__all__ = [
    "DAYS_DEFAULT", "FIRST_EMAIL", "LENGTH_MIN", "LINK_LASTS", "ROLES", "SCOPES", "SESSION_IDLE", "SESSION_MAX", "By",
    "Minted", "Person", "Role", "Scope", "Throttle", "TokenHolder", "TokenRequest", "add_user", "check_password",
    "check_strength", "clean_email", "clean_name", "close_session", "events", "find_session", "find_user",
    "get_user", "is_wellformed", "mint_token", "needs_link", "new_text", "note", "one_time_link", "open_session", "person_of",
    "redeem_link", "revoke_token", "set_active", "set_admin", "set_password", "set_role", "touch_token",
    "verify_token",
]  # fmt: skip
