# SPDX-License-Identifier: Apache-2.0
"""Appending runs, once each, and replacing slices, by several processes at once.

A batch of runs is one commit to ``activities``, then one to ``runs``. Both carry the same number, and the log refuses a number
that another writer has taken: who loses looks again and finds what is left to do. A writer that dies between both commits
leaves ``activities`` one number ahead; the next writer first writes the rows of ``runs`` that lack, from the evidence.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial, reduce
from operator import or_
from typing import TYPE_CHECKING, Any, Final

from lichen.errors import ActivityError, StorageError
from lichen.ledger.adopting import Adoption, RowFile, check_columns
from lichen.ledger.evidence import Evidence
from lichen.ledger.handles import Handles, app_transaction, committed, read_marker, sequence
from lichen.ledger.rewriting import Batches, rewrite
from lichen.ledger.tables import (
    RUNS_SOURCE,
    Fact,
    RunContent,
    TableName,
    activity_rows,
    fact_rows,
    month_of,
    run_row,
    schema,
)
from lichen.records import ID_SHOWN, canonical_json

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.dataset as ds
    from deltalake import DeltaTable

_SOURCE: Final = re.compile(r"[a-z0-9][a-z0-9._:-]{0,99}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Appended:
    """What became of the runs given.

    Attributes:
        runs, activities: rows appended.
        already: runs that the ledger had, or that were given twice.
        expired: runs from before the day that the ledger keeps data from.
        batch: number of the commit; 0 when nothing was appended.
    """

    runs: int = 0
    activities: int = 0
    already: int = 0
    expired: int = 0
    batch: int = 0

    def __add__(self, other: Appended) -> Appended:
        return Appended(
            runs=self.runs + other.runs,
            activities=self.activities + other.activities,
            already=self.already + other.already,
            expired=self.expired + other.expired,
            batch=max(self.batch, other.batch),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Rows of ``activities`` that an import replaces together.

    Attributes:
        source: name of the import; not ``runs``.
        first_day, end_day: of ``day``; the end is not part of it.
        application: only its rows; all when None.
    """

    source: str
    first_day: date
    end_day: date
    application: str | None = None

    def months(self) -> tuple[str, str]:
        """The first and the last month that it touches."""
        return month_of(self.first_day), month_of(self.end_day - timedelta(days=1))

    def filter(self) -> ds.Expression:
        """Its rows, within its partitions."""
        import pyarrow.dataset as ds

        found = (ds.field("day") >= self.first_day) & (ds.field("day") < self.end_day)
        return found if self.application is None else found & (ds.field("application") == self.application)

    def holds(self, row: Mapping[str, Any]) -> bool:
        """Whether a row lies in it."""
        return self.first_day <= row["day"] < self.end_day and self.application in (None, row["application"])


class Writer:
    """Writes to the tables of one ledger; threads take turns, processes meet in the log."""

    def __init__(self, handles: Handles, evidence: Evidence) -> None:
        self._handles = handles
        self._evidence = evidence
        self._turn = threading.Lock()
        self._known = KnownRuns(handles)

    def append_runs(self, runs: Sequence[RunContent]) -> Appended:
        """Appends the runs that the ledger does not have; they are on the disk when this returns.

        Args:
            runs: a few hundred at most, as all their rows are in memory at once.

        Raises:
            StorageError: the place is away, full or forbidden; a row of a run is none. Nothing is half written.
        """
        with self._turn:
            return committed(self._handles.location, "activities", lambda: self._append(runs))

    def _append(self, runs: Sequence[RunContent]) -> Appended:
        import pyarrow as pa

        # runs before activities: what is committed in between can only put activities ahead.
        runs_table, table = self._handles.fresh("runs"), self._handles.fresh("activities")
        number = sequence(table)
        if (told := sequence(runs_table)) < number:
            self._complete(table, told, number)
            runs_table = self._handles.fresh("runs")
        chosen = self._chosen(runs, runs_table)
        if not chosen.fresh:
            return chosen.outcome
        packed = [run.packed or gzip.compress(canonical_json(run.content), 6, mtime=0) for run in chosen.fresh]
        hashes = [hashlib.sha256(one).hexdigest() for one in packed]
        # Refused rows stop everything before a file is written.
        tables = [_tables(run, sha256, number + 1) for run, sha256 in zip(chosen.fresh, hashes, strict=True)]
        self._evidence.put_all(packed)
        rows = pa.concat_tables([activities for activities, _ in tables])
        self._commit(table, "activities", rows, number + 1)
        self._tell(pa.concat_tables([row for _, row in tables]), number + 1)
        return chosen.outcome + Appended(runs=len(chosen.fresh), activities=rows.num_rows, batch=number + 1)

    def _chosen(self, runs: Sequence[RunContent], runs_table: DeltaTable) -> _Chosen:
        marker = read_marker(self._handles.location)
        first_day = marker.first_day if marker else None
        known = self._known.among(runs_table, runs)
        fresh: dict[str, RunContent] = {}
        expired = 0
        for run in runs:
            if run.run_id in known or run.run_id in fresh:
                continue
            if first_day is not None and run.started_on < first_day:
                expired += 1
            else:
                fresh[run.run_id] = run
        return _Chosen(list(fresh.values()), Appended(already=len(runs) - len(fresh) - expired, expired=expired))

    def _commit(self, table: DeltaTable, name: TableName, data: pa.Table, number: int) -> None:
        from deltalake import write_deltalake

        write_deltalake(table, data, mode="append", commit_properties=app_transaction(number))
        self._handles.location.settle(name, table.version())

    def _tell(self, rows: pa.Table, number: int) -> None:
        """Commits the rows of ``runs``, unless another writer has done it meanwhile."""

        def attempt() -> None:
            runs_table = self._handles.fresh("runs")
            if sequence(runs_table) < number:
                self._commit(runs_table, "runs", rows, number)

        committed(self._handles.location, "runs", attempt)

    def _complete(self, table: DeltaTable, told: int, number: int) -> None:
        """Writes the rows of ``runs`` that the commits after ``told`` lack: one, or more in a copy that was made meanwhile."""
        import pyarrow as pa
        import pyarrow.dataset as ds

        chosen = (ds.field("source") == RUNS_SOURCE) & (ds.field("batch") > told)
        dataset = table.to_pyarrow_dataset(filesystem=self._handles.location.system("activities"))
        found = dataset.to_table(columns=["run_id", "artefact_sha256", "batch"], filter=chosen)
        named = sorted({(row["run_id"], row["artefact_sha256"], row["batch"]) for row in found.to_pylist()})
        rows = [run_row(RunContent(key, self._evidence.run(sha256)), sha256, batch) for key, sha256, batch in named]
        self._tell(pa.Table.from_pylist(rows, schema=schema("runs")), number)

    def replace(self, chosen: Slice, facts: Iterable[Fact]) -> int:
        """Puts facts in the place of a slice's rows, in one commit: readers see the old rows, or the new ones.

        Returns:
            Rows that are there now.

        Raises:
            StorageError: a fact lies outside of the slice, or before the first day kept; the place is away, full or forbidden.
        """
        import pyarrow as pa

        rows = fact_rows(chosen.source, facts, 0)
        stray = next((row for row in rows if not chosen.holds(row)), None)
        if stray is not None:
            raise _outside(f"{stray['entity']} on {stray['day']}", stray["entity"])
        added = pa.Table.from_pylist(rows, schema=schema("activities"))
        return self._rewrite([chosen], added.to_batches)

    def replace_rows(self, slices: Sequence[Slice], rows: Batches) -> int:
        """Puts rows of Arrow in the place of the rows of some slices, all in one commit; arguments and errors as `replace`.

        Args:
            slices: one of a source and a span of days at least; they do not overlap.
            rows: columns of ``activities``; those that lack are null.
        """
        held = _held(slices)

        def checked() -> Iterator[pa.RecordBatch]:
            for batch in rows():
                stray = batch.filter(~held)
                if stray.num_rows:
                    first = stray.slice(0, 1).to_pylist()[0]
                    raise _outside(f"{first['entity']} on {first['day']} of {first['source']}", first["entity"])
                yield batch

        return self._rewrite(slices, checked)

    def replace_files(self, slices: Sequence[Slice], files: Sequence[RowFile]) -> int:
        """Puts the rows of Parquet files in the place of the rows of some slices; arguments and errors as `replace_rows`.

        Args:
            files: the rows; each lies in one partition that a slice touches. They are moved into the ledger.

        Raises:
            ValueError: a file has other columns than ``activities``.
        """
        _check_sources(slices)
        first_day = self._first_day()
        check_columns(files, "activities")
        for file in files:
            for day in file.days().to_pylist():
                if not any(one.source == file.source and one.first_day <= day < one.end_day for one in slices):
                    raise _outside(f"{file.path.name} of {file.source} has rows of {day}, which", file.source)
                if first_day is not None and day < first_day:
                    raise _too_old(first_day, file.source)
        adoption = Adoption(self._handles, "activities", _partitions(slices), lambda: ~_held(slices))
        with self._turn, self._handles.location.told("activities"):
            rows = adoption.place(files)
            committed(self._handles.location, "activities", adoption.attempt)
        return rows

    def _first_day(self) -> date | None:
        marker = read_marker(self._handles.location)
        return marker.first_day if marker else None

    def _rewrite(self, slices: Sequence[Slice], rows: Batches) -> int:
        import pyarrow.dataset as ds

        _check_sources(slices)
        first_day = self._first_day()
        added = 0

        def counted() -> Iterator[pa.RecordBatch]:
            nonlocal added
            added = 0
            for batch in rows():
                if first_day is not None and batch.filter(ds.field("day") < first_day).num_rows:
                    raise _too_old(first_day, slices[0].source)
                added += batch.num_rows
                yield batch

        attempt = partial(rewrite, self._handles, "activities", _partitions(slices), ~_held(slices), counted)
        with self._turn:
            committed(self._handles.location, "activities", attempt)
        return added


def _check_sources(slices: Sequence[Slice]) -> None:
    for chosen in slices:
        if chosen.source == RUNS_SOURCE or not _SOURCE.fullmatch(chosen.source):
            raise StorageError(
                f"'{chosen.source}' is no source whose rows are replaced.",
                repair="Name the import in small letters, such as bill:aws; runs never change.",
                culprit=chosen.source,
            )


def _held(slices: Sequence[Slice]) -> ds.Expression:
    """The rows of slices."""
    import pyarrow.dataset as ds

    return reduce(or_, (one.filter() & (ds.field("source") == one.source) for one in slices))


def _too_old(first_day: date, culprit: str) -> StorageError:
    return StorageError(
        f"The ledger keeps rows from {first_day} on, and a row to be imported is older.",
        repair="Leave the older rows out.",
        culprit=culprit,
    )


def _partitions(slices: Sequence[Slice]) -> list[tuple[str, str, Any]]:
    """The sources and the months that slices touch."""
    sources = sorted({one.source for one in slices})
    named: tuple[str, str, Any] = ("source", "=", sources[0]) if len(sources) == 1 else ("source", "in", sources)
    months = [month for one in slices for month in one.months()]
    return [named, ("month", ">=", min(months)), ("month", "<=", max(months))]


def _outside(what: str, culprit: str) -> StorageError:
    return StorageError(
        f"{what} lies outside of what is replaced.", repair="Widen the slice, or leave the row out.", culprit=culprit
    )


def _tables(run: RunContent, sha256: str, number: int) -> tuple[pa.Table, pa.Table]:
    """The rows of a run in ``activities``, and its row in ``runs``; ActivityError when a column cannot hold one of them."""
    import pyarrow as pa

    try:
        return (
            pa.Table.from_pylist(activity_rows(run, sha256, number), schema=schema("activities")),
            pa.Table.from_pylist([run_row(run, sha256, number)], schema=schema("runs")),
        )
    except (pa.ArrowException, ArithmeticError, TypeError, ValueError) as error:
        raise ActivityError(
            f"A row of the run {run.run_id[:ID_SHOWN]} does not fit the ledger's columns: {str(error).rstrip('.')}.",
            repair="Measure again.", culprit=run.run_id,
        ) from error  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Chosen:
    fresh: list[RunContent]
    outcome: Appended


class KnownRuns:
    """Ids of the runs that the ledger has, by month: only files that are new since the last look are read."""

    def __init__(self, handles: Handles) -> None:
        self._handles = handles
        self._of_file: dict[str, dict[str, frozenset[str]]] = {}

    def among(self, table: DeltaTable, runs: Sequence[RunContent]) -> set[str]:
        """Those of ``runs`` that the table has."""
        wanted: dict[str, set[str]] = {}
        for run in runs:
            wanted.setdefault(month_of(run.started_on), set()).add(run.run_id)
        return {run_id for month, ids in wanted.items() for run_id in self._present(table, month, ids)}

    def _present(self, table: DeltaTable, month: str, ids: set[str]) -> set[str]:
        dataset = table.to_pyarrow_dataset(
            filesystem=self._handles.location.system("runs"),
            file_pruning_predicate=[("source", "=", RUNS_SOURCE), ("month", "=", month)],
        )
        there = {fragment.path: fragment for fragment in dataset.get_fragments()}
        before = self._of_file.get(month, {})
        self._of_file[month] = of_file = {
            path: before[path]
            if path in before
            else frozenset(fragment.to_table(columns=["run_id"])["run_id"].to_pylist())
            for path, fragment in there.items()
        }
        return {run_id for run_id in ids if any(run_id in known for known in of_file.values())}
