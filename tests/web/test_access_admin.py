# SPDX-License-Identifier: Apache-2.0
"""What administrators manage, page by page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.web.access_support import World, world

from lichen.service import accounts

DOM_MAX = 370


@pytest.fixture
def here(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made


def test_an_account_is_managed_on_its_page(here: World) -> None:
    admin, editor = here.browser("admin"), here.users["editor"]
    place = f"/admin/users/{editor}"
    assert place in admin.get("/admin/users").text
    given = admin.post(f"{place}/role", data={"team": here.teams["theirs"], "role": "editor"})
    assert (given.status_code, given.headers["location"]) == (303, f"{place}?done=changed")
    assert admin.get(f"{place}.json").json()["roles"] == {"ours": "editor", "theirs": "editor"}
    taken = admin.post(f"{place}/role", data={"team": here.teams["theirs"], "role": ""})
    assert taken.status_code == 303
    assert admin.get(f"{place}.json").json()["roles"] == {"ours": "editor"}
    for form in ({"team": "none", "role": "editor"}, {"team": here.teams["ours"], "role": "emperor"}):
        assert admin.post(f"{place}/role", data=form).status_code == 422
    assert admin.post(f"{place}/state", data={"state": "asleep"}).status_code == 422
    assert admin.post(f"{place}/state", data={"state": "disabled"}).status_code == 303
    assert not admin.get(f"{place}.json").json()["active"]
    assert "argon2" not in admin.get(f"{place}.json").text


def test_an_account_that_does_not_exist(here: World) -> None:
    admin = here.browser("admin")
    for path in ("/admin/users/none", "/admin/users/none.json"):
        assert admin.get(path).status_code == 404
    for path in ("invite", "state", "role"):
        form = {"state": "disabled", "team": here.teams["ours"], "role": "viewer"}
        assert admin.post(f"/admin/users/none/{path}", data=form).status_code == 404


@pytest.mark.parametrize(
    "form", [{"email": "no address"}, {"email": "editor@example.org"}, {"email": "a@b", "name": "x" * 201}, {}]
)
def test_an_account_that_cannot_be(here: World, form: dict[str, str]) -> None:
    answer = here.browser("admin").post("/admin/users", data=form or {"x": "y"})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text


def test_long_lists_come_in_pages_within_the_budget(here: World) -> None:
    with here.context.store.session() as session:
        for number in range(60):
            user = accounts.add_user(session, email=f"user{number:02}@example.org", by=here.by)
            accounts.set_role(session, user.id, here.teams["ours"], "viewer", by=here.by)
    for _ in range(30):
        here.token("read")
    admin = here.browser("admin")
    seen: set[str] = set()
    for page in (1, 2, 3):
        answer = admin.get("/admin/users", params={"page": page})
        seen |= {
            user["email"] for user in admin.get("/admin/users.json").json()["items"] if user["email"] in answer.text
        }
    assert len(seen) == 66
    assert 'rel="next"' not in admin.get("/admin/users?page=3").text
    for path in ("/admin/users", "/admin/tokens", "/admin/audit", f"/admin/users/{here.users['editor']}"):
        text = admin.get(path).text
        assert text.count("<") - text.count("</") <= DOM_MAX, path
    assert admin.get("/admin/users?page=0").status_code == 422
    assert admin.get("/admin/users?page=9999").status_code == 200


def test_a_profile_is_ones_own(here: World) -> None:
    viewer = here.browser("viewer")
    assert viewer.post("/account/profile", data={"name": "Aïcha", "lang": "fr"}).status_code == 303
    assert "Votre compte" in viewer.get("/account").text
    assert viewer.post("/account/profile", data={"name": "x" * 201, "lang": "fr"}).status_code == 422
    assert viewer.post("/account/profile", data={"name": "", "lang": "tlh"}).status_code == 303
    assert "Your account" in viewer.get("/account").text
    assert 'value="Aïcha"' in viewer.get("/account").text, "an empty name leaves it"
