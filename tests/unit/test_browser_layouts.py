# SPDX-License-Identifier: Apache-2.0
"""The books of layout passes, from marks and counters as Chromium sends them."""

import json

import pytest

from lichen.collect.browser.layouts import LayoutBooks

KINDS = {"P": "page", "F": "iframe"}


def counters(started, count):
    return [{"name": "NavigationStart", "value": started}, {"name": "LayoutCount", "value": count}]


def mark(event, started, count, session="P", kind="page"):
    params = {"metrics": counters(started, count), "title": f"lichen {kind} {event}"}
    message = {"method": "Performance.metrics", "params": params, "sessionId": session}
    return json.dumps(message, separators=(",", ":")).encode()


@pytest.fixture
def books():
    found = LayoutBooks()
    found.read("P", counters(1.0, 7))
    found.open = True
    return found


def test_a_page_that_was_there_counts_from_where_it_stood(books):
    assert books.read("P", counters(1.0, 9)) == 2
    assert books.read("P", counters(1.0, 9)) == 0


@pytest.mark.parametrize("passes_while_loading", [0, 1, 2, 40])
def test_loading_is_one_pass_however_many_frames_it_took(books, passes_while_loading):
    n = passes_while_loading
    assert books.hear([mark("left", 1.0, 8), mark("loaded", 2.0, n)], KINDS) == 1 + 1
    assert books.read("P", counters(2.0, n + 3)) == 3


def test_a_document_counts_until_it_is_left_and_not_while_the_next_one_loads(books):
    assert books.hear([mark("left", 1.0, 12)], KINDS) == 5
    assert books.read("P", counters(2.0, 6)) == 0, "not loaded yet"
    assert books.hear([mark("loaded", 2.0, 8), mark("left", 2.0, 10)], KINDS) == 1 + 2


def test_a_document_left_before_it_has_loaded_is_no_pass(books):
    assert books.hear([mark("left", 1.0, 7), mark("left", 2.0, 5), mark("loaded", 3.0, 4)], KINDS) == 1


def test_about_to_be_left_and_kept_is_counted_on(books):
    assert books.hear([mark("left", 1.0, 8)], KINDS) == 1
    assert books.read("P", counters(1.0, 10)) == 2


def test_a_page_that_came_back_counts_anew(books):
    assert books.hear([mark("left", 1.0, 8), mark("loaded", 2.0, 3), mark("left", 2.0, 3)], KINDS) == 1 + 1
    assert books.hear([mark("loaded", 1.0, 0)], KINDS) == 1
    assert books.read("P", counters(1.0, 2)) == 2


def test_a_counter_that_began_anew_in_the_same_document_is_not_taken_back(books):
    assert books.read("P", counters(1.0, 2)) == 2


def test_a_cross_site_frame_has_books_of_its_own_and_a_frame_in_the_pages_process_none(books):
    assert books.hear([mark("loaded", 5.0, 3, "F", "iframe")], KINDS) == 1
    assert books.read("F", counters(5.0, 4)) == 1
    assert books.hear([mark("loaded", 1.0, 9, "P", "iframe")], KINDS) == 0
    assert books.read("P", counters(1.0, 9)) == 2


def test_other_messages_and_stamps_of_the_page_itself_are_nothing(books):
    own = mark("loaded", 1.0, 9).replace(b"lichen page loaded", b"checkout ready")
    assert books.hear([own, mark("loaded", 4.0, 1, "gone"), b'{"method":"Network.dataReceived"}'], KINDS) == 0


def test_a_last_mark_that_never_came_is_told(books):
    books.hear([mark("left", 1.0, 8), mark("loaded", 2.0, 1)], KINDS)
    assert not books.lost
    books.hear([mark("loaded", 3.0, 1)], KINDS)
    assert books.lost


def test_a_document_that_marks_nothing_loses_nothing(books):
    books.hear([mark("loaded", 2.0, 1)], KINDS)
    assert not books.lost
