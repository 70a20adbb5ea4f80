# SPDX-License-Identifier: Apache-2.0
"""The ledger's marker and its Delta tables: made, opened, brought up to date, and committed to by several writers at once."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final, TypeVar

from lichen.errors import StorageError
from lichen.ledger.location import Location
from lichen.ledger.tables import COLUMNS, PARTITIONS, VERSION, TableName, schema, schema_of

if TYPE_CHECKING:
    from deltalake import DeltaTable

MARKER: Final = "ledger.json"
TABLES: Final[tuple[TableName, ...]] = ("activities", "runs")
_TRIES: Final = 60
_LONGEST_WAIT_S: Final = 0.5
_CONFIGURATION: Final[Mapping[str, str | None]] = {
    "delta.logRetentionDuration": "interval 7 days", "delta.checkpointInterval": "50",
}  # fmt: skip

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Marker:
    """What ``ledger.json`` says.

    Attributes:
        version: of the columns.
        retained_from: first day that is kept, ISO; None when all are.
    """

    version: int
    retained_from: str | None = None

    @property
    def first_day(self) -> date | None:
        """`retained_from` as a day."""
        return None if self.retained_from is None else date.fromisoformat(self.retained_from)


class Handles:
    """The tables of one ledger, for all threads of a process.

    Args:
        location: of a ledger that was opened with `prepare`.
    """

    def __init__(self, location: Location) -> None:
        self.location = location
        self.lock = threading.RLock()
        """Held while a table is brought up to date and looked at: its handle is shared by the threads."""
        self._open: dict[TableName, DeltaTable] = {}

    def table(self, name: TableName) -> DeltaTable:
        """A table as it stands now.

        Raises:
            StorageError: the place is away, or the log is damaged.
        """
        with self.lock, self.location.told(name):
            known = self._open.get(name)
            if known is None:
                known = self._open[name] = self.fresh(name)
            else:
                known.update_incremental()
            return known

    def fresh(self, name: TableName) -> DeltaTable:
        """A handle of its own, for a writer: a commit moves the handle that it is made with."""
        from deltalake import DeltaTable

        with self.location.told(name):
            return DeltaTable(self.location.at(name), storage_options=self.location.options)

    def paths(self, name: TableName, version: int) -> list[str]:
        """Files of a version of a table, below its folder, as the log writes them."""
        import pyarrow as pa
        from deltalake import DeltaTable

        with self.location.told(name):
            table = DeltaTable(self.location.at(name), version=version, storage_options=self.location.options)
            found: list[str] = pa.table(table.get_add_actions())["path"].to_pylist()
        return found


def read_marker(location: Location) -> Marker | None:
    """What the marker says; None where there is no ledger.

    Raises:
        StorageError: the marker is damaged, or of a newer version.
    """
    raw = location.read(MARKER)
    if raw is None:
        return None
    try:
        said = json.loads(raw)
        marker = Marker(version=int(said["version"]), retained_from=said.get("retained_from"))
        _ = marker.first_day
    except (ValueError, KeyError, TypeError) as error:
        raise StorageError(
            f"{location.at(MARKER)} is damaged.", repair="Restore it from a backup.", culprit=location.at(MARKER)
        ) from error
    if marker.version > VERSION:
        raise StorageError(
            f"The ledger {location.uri} has version {marker.version}; this Lichen knows versions up to {VERSION}.",
            repair="Update Lichen; an older one would lose columns.",
            culprit=location.uri,
        )
    return marker


def write_marker(location: Location, marker: Marker) -> None:
    """Writes the marker whole."""
    location.write(MARKER, json.dumps({"format": "lichen-ledger", **asdict(marker)}, indent=1).encode() + b"\n")


def prepare(location: Location, *, create: bool) -> Marker:
    """Makes sure that a ledger of this version lies here: makes one in an empty place, adds columns to an older one.

    Raises:
        StorageError: something else lies here, there is nothing and ``create`` is False, a newer version, a damaged table.
    """
    marker = read_marker(location)
    if marker is None:
        if not location.empty():
            raise StorageError(
                f"{location.uri} is no ledger, and not empty.",
                repair="Name the ledger's own folder, or an empty one.",
                culprit=location.uri,
            )
        if not create:
            raise StorageError(
                f"There is no ledger in {location.uri}.", repair="lichen ledger ingest makes one.", culprit=location.uri
            )
        marker = Marker(VERSION)
        # The marker first: a creation that is cut off is completed by the next opening.
        write_marker(location, marker)
    for name in TABLES:
        _ensure(location, name)
    if marker.version < VERSION:
        _migrate(location)
        marker = Marker(VERSION, marker.retained_from)
        write_marker(location, marker)
    return marker


def _ensure(location: Location, name: TableName) -> None:
    from deltalake import DeltaTable

    with location.told(name):
        if not DeltaTable.is_deltatable(location.at(name), location.options):
            DeltaTable.create(
                location.at(name),
                schema(name),
                mode="ignore",
                partition_by=list(PARTITIONS),
                configuration=_CONFIGURATION,
                storage_options=location.options,
            )


def _migrate(location: Location) -> None:
    """Adds the columns that older versions had not; their rows hold null there, which means unknown."""
    handles = Handles(location)
    for name in TABLES:

        def add(name: TableName = name) -> None:
            table = handles.fresh(name)
            there = {column.name for column in table.schema().fields}
            missing = [column for column in COLUMNS[name] if column.name not in there]
            if missing:
                from deltalake import Schema

                table.alter.add_columns(Schema.from_arrow(schema_of(missing)).fields)

        committed(location, name, add)


def committed(location: Location, table: str, attempt: Callable[[], T]) -> T:
    """Tries a commit until no other writer was faster.

    Args:
        table: that is committed to.
        attempt: looks at the table anew, and commits.

    Raises:
        StorageError: others were faster each time, or as `Location.told`.
    """
    from deltalake.exceptions import CommitFailedError

    for number in range(_TRIES):
        try:
            with location.told(table):
                return attempt()
        except CommitFailedError:
            # Writers that wait for different times do not meet again.
            time.sleep(random.uniform(0, min(_LONGEST_WAIT_S, 0.01 * 2**number)))  # noqa: S311
    raise StorageError(
        f"Other writers kept the ledger {location.uri} busy.", repair="Repeat the command.", culprit=location.uri
    )


def app_transaction(number: int) -> Any:
    """Commit properties that let one writer win: of two commits with the same number, the log takes the first."""
    from deltalake import CommitProperties, Transaction

    return CommitProperties(app_transactions=[Transaction(SEQUENCE, number)])


SEQUENCE: Final = "lichen"
"""Application that the commits of runs are numbered under in the log."""


def sequence(table: DeltaTable) -> int:
    """Number of the newest commit of runs; 0 before the first."""
    return int(table.transaction_version(SEQUENCE) or 0)
