# SPDX-License-Identifier: Apache-2.0
"""A company owner applies for a guaranteed loan: company, project, documents, recap."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\n" + b"% annual accounts\n" * 3000 + b"trailer<</Root 1 0 R>>\n%%EOF\n"


def journey(page: Any, step: Callable[..., AbstractContextManager[object]]) -> None:
    """Fill in the application form and submit it.

    Args:
        page: a Playwright page whose base address is the portal.
        step: opens a named step; `dwell` is the seconds a person spends in it.
    """
    with step("company", dwell=60):
        page.goto("/apply/treasury-guarantee?lang=en")
        page.get_by_label("SIREN number").fill("732829320")
        page.get_by_label("Company name").fill("Les Ateliers du Lac")
        page.get_by_label("Yearly turnover").fill("2400000")
        page.get_by_label("Employees").fill("14")
        page.get_by_label("Yearly payroll in France").fill("560000")
        page.get_by_label("Sector").select_option(label="Industry")
        page.get_by_role("button", name="Continue").click()
        page.wait_for_url("**/drafts/*/project")
        page.get_by_role("heading", level=2, name="Project").wait_for()
    with step("project", dwell=45):
        page.get_by_label("Amount of the loan").fill("200000")
        page.get_by_label("What the money is for").fill("Wages and suppliers while the second line is rebuilt.")
        page.get_by_label("Months of expenses covered by cash").fill("2.5")
        page.get_by_role("button", name="Continue").click()
        page.wait_for_url("**/drafts/*/documents")
        page.get_by_role("heading", level=2, name="Documents").wait_for()
    with step("documents", dwell=40):
        for label, name in (("Last annual accounts", "accounts.pdf"), ("Cash plan for twelve months", "cash.pdf")):
            page.get_by_label(label).set_input_files({"name": name, "mimeType": "application/pdf", "buffer": PDF})
        page.get_by_role("button", name="Continue").click()
        page.wait_for_url("**/drafts/*/recap")
        page.get_by_role("heading", level=1, name="Check your application").wait_for()
    with step("submit", dwell=25):
        page.get_by_role("button", name="Submit the application").click()
        page.wait_for_url("**/drafts/*/done")
        page.get_by_role("heading", level=1, name="Your application is registered").wait_for()
