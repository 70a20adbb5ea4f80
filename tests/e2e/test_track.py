# SPDX-License-Identifier: Apache-2.0
"""``lichen.track`` in real programs: threads, forks, pools, nesting, recursion, coroutines, and figures equal to the kernel's."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

import lichen
from lichen.errors import NothingMeasured, UsageError
from lichen.ledger import runfile
from lichen.service.presence import Presence
from lichen.tracking import Tracker

WORK = "until = __import__('time').process_time() + {s}\nwhile __import__('time').process_time() < until: pass"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "here"))


def work(cpu_s: float) -> None:
    """Uses this much CPU time in the calling thread."""
    until = time.thread_time() + cpu_s
    while time.thread_time() < until:
        sum(range(500))


def child(cpu_s: float) -> None:
    subprocess.run([sys.executable, "-I", "-S", "-c", WORK.format(s=cpu_s)], check=True)


def values(tracked: Tracker) -> dict[str, float | None]:
    return {row.quantity: row.value for row in tracked.activities}


def cpu_s(tracked: Tracker) -> float:
    value = values(tracked)["cpu_time"]
    assert value is not None
    return value


def kernel_s() -> float:
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in both)


def test_it_equals_what_the_kernel_tells_of_the_process_and_its_children() -> None:
    tracked = lichen.track("all")
    before = kernel_s()
    with tracked:
        began = kernel_s()
        threads = [threading.Thread(target=work, args=(0.1,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        child(0.1)
        for thread in threads:
            thread.join()
        within = kernel_s() - began
    around = kernel_s() - before
    assert within >= 0.4
    # What is read at the edges, and the look at the memory, belong to the block for neither account.
    assert within - 0.005 <= cpu_s(tracked) <= around


def test_what_the_looking_thread_uses_is_not_counted() -> None:
    with lichen.track("rest") as tracked:
        time.sleep(1.0)
    assert cpu_s(tracked) < 0.01
    assert values(tracked)["window_time"] == pytest.approx(1.0, abs=0.2)


def test_what_the_looking_thread_used_before_the_block_is_not_taken_off_the_block() -> None:
    tracked = lichen.track("short")
    for _ in range(10):  # each lasts long enough for one look
        with tracked:
            work(0.12)
    [samples] = [row.samples for row in tracked.activities if row.quantity == "cpu_time"]
    assert len(samples) == 10
    assert all(value is not None and value >= 0.12 for value in samples)


def test_memory_is_integrated_and_its_peak_found() -> None:
    base = None
    for _ in range(2):  # asking for figures loads what computes them: the second time it is there
        with lichen.track("before") as before:
            time.sleep(0.2)
        base = values(before)["memory_peak"]
    with lichen.track("memory") as tracked:
        block = bytearray(os.urandom(1)) * 200_000_000
        time.sleep(0.5)
        del block
        time.sleep(0.5)
    peak, integral, window_s = (values(tracked)[name] for name in ("memory_peak", "memory_byte_seconds", "window_time"))
    assert base is not None
    assert peak is not None
    assert integral is not None
    assert window_s is not None
    assert peak - base == pytest.approx(200e6, rel=0.05)
    assert base * window_s < integral < peak * window_s
    assert {row.method for row in tracked.activities if row.quantity == "memory_peak"} == {"measured"}


def test_disk_is_what_the_kernel_tells_of_the_process(tmp_path: Path) -> None:
    def moved() -> int:
        lines = Path("/proc/self/io").read_text().splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith(("read_bytes", "write_bytes")))

    around = moved()
    with lichen.track("disk") as tracked, (tmp_path / "file").open("wb") as file:
        inside = moved()
        file.write(bytes(2_000_000))
        file.flush()
        os.fsync(file.fileno())
        inside = moved() - inside
    around = moved() - around
    found = values(tracked)["disk_bytes"]
    assert found is not None
    assert inside <= found <= around


def test_an_inner_block_lies_inside_the_outer_one() -> None:
    with lichen.track("outer") as outer:
        work(0.1)
        with lichen.track("inner") as inner:
            work(0.1)
            child(0.05)
    assert 0.15 <= cpu_s(inner) <= cpu_s(outer) - 0.1
    assert not inner.to_json()["journeys"][0]["notes"]


def test_blocks_side_by_side_say_that_they_count_each_other() -> None:
    one, two = lichen.track("one"), lichen.track("two")
    both = threading.Barrier(2, timeout=30)

    def run(tracked: Tracker) -> None:
        with tracked:
            both.wait()
            work(0.1)
            both.wait()

    threads = [threading.Thread(target=run, args=(tracked,)) for tracked in (one, two)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for tracked in (one, two):
        assert cpu_s(tracked) >= 0.2
        [note] = [n for n in tracked.to_json()["journeys"][0]["notes"] if "same time" in n]
        assert note.startswith("another block of this process ran at the same time")


def test_scope_thread_counts_the_calling_thread_alone() -> None:
    other = threading.Thread(target=work, args=(0.2,))
    with lichen.track("mine", scope="thread") as tracked:
        other.start()
        work(0.1)
        other.join()
    assert 0.1 <= cpu_s(tracked) < 0.13
    assert values(tracked)["memory_peak"] is None


def test_a_pool_is_counted_by_its_parent_alone(tmp_path: Path) -> None:
    code = (
        "import multiprocessing, os, time, lichen\n"
        "tracked = lichen.track('pool')\n"
        "def job(_):\n"
        "    until = time.process_time() + 0.05\n"
        "    while time.process_time() < until: pass\n"
        "with multiprocessing.get_context('fork').Pool(2) as pool:\n"
        "    pool.map(job, range(2))\n"
        "    with tracked:\n"
        "        pool.map(job, range(8))\n"
        "print(*(row.value for row in tracked.activities if row.quantity == 'cpu_time'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    # The workers live before and after the block: only their work in it counts.
    assert 0.4 <= float(done.stdout) < 0.5


def test_a_fork_that_leaves_the_block_counts_nothing() -> None:
    tracked = lichen.track("fork")
    reading, writing = os.pipe()
    with tracked:
        pid = os.fork()
        if pid == 0:
            work(0.1)
    if pid == 0:
        try:
            tracked.activities  # noqa: B018 - asked for its error
        except NothingMeasured as error:
            os.write(writing, str(error).encode())
        with lichen.track("own of the child") as own:
            work(0.05)
        os.write(writing, b"|" + (b"counted" if cpu_s(own) >= 0.05 else b"lost"))
        os._exit(0)
    os.waitpid(pid, 0)
    assert os.read(reading, 1000).decode() == "The block 'fork' was never entered.|counted"
    assert len(tracked.activities[0].samples) == 1


def test_a_child_that_is_waited_for_in_the_block_counts_from_the_block_on() -> None:
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=time.sleep, args=(0.1,))
    process.start()
    while process.is_alive():
        time.sleep(0.01)
    with lichen.track("join") as tracked:
        process.join()
    assert cpu_s(tracked) < 0.02


def test_a_decorated_function_has_one_repetition_a_call_and_recursion_is_one_call() -> None:
    @lichen.track("fibonacci")
    def fibonacci(n: int) -> int:
        """Doc."""
        return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)

    assert [fibonacci(n) for n in (1, 5, 8)] == [1, 5, 21]
    tracked: Tracker = fibonacci.tracked  # type: ignore[attr-defined]
    assert fibonacci.__doc__ == "Doc."
    assert len(tracked.activities[0].samples) == 3


def test_without_brackets_the_block_has_the_functions_name() -> None:
    @lichen.track
    def detect(photos: int) -> int:
        return 2 * photos

    assert detect(4) == 8
    assert detect.tracked.name == "detect"  # type: ignore[attr-defined]
    assert len(detect.tracked.activities[0].samples) == 1  # type: ignore[attr-defined]


def test_coroutines_are_measured_to_their_end() -> None:
    @lichen.track("slow")
    async def slow() -> str:
        await asyncio.sleep(0.2)
        return "done"

    assert asyncio.run(slow()) == "done"
    assert values(slow.tracked)["window_time"] >= 0.2  # type: ignore[attr-defined, operator]


def test_generators_are_refused() -> None:
    with pytest.raises(UsageError, match="'numbers' is a generator"):

        @lichen.track("numbers")
        def numbers() -> Iterator[int]:
            yield 1


def test_only_functions_are_decorated() -> None:
    for wrong in (type("Made", (), {}), classmethod(len), 5):
        with pytest.raises(UsageError, match="no function"):
            lichen.track("wrong")(wrong)  # type: ignore[type-var]
        with pytest.raises(UsageError, match=r"no function|no name"):
            lichen.track(wrong)  # type: ignore[call-overload]


def test_an_object_whose_call_is_a_coroutine_is_measured_to_its_end() -> None:
    class Slow:
        async def __call__(self) -> None:
            await asyncio.sleep(0.2)

    slow = lichen.track("slow")(Slow())
    asyncio.run(slow())
    assert values(slow.tracked)["window_time"] >= 0.2  # type: ignore[attr-defined, operator]


def test_a_block_may_be_left_in_another_thread_than_it_was_entered_in() -> None:
    tracked = lichen.track("loop")

    def loop() -> Iterator[int]:
        with tracked:
            yield 1
            work(0.05)

    numbers = loop()
    next(numbers)
    other = threading.Thread(target=list, args=(numbers,))
    other.start()
    other.join()
    assert 0.045 <= cpu_s(tracked) < 0.1
    with tracked:  # the context that entered it still held the block
        work(0.05)
    assert len(tracked.activities[0].samples) == 2


def test_a_task_made_inside_a_block_and_run_after_it_is_a_repetition() -> None:
    tracked = lichen.track("late")

    async def late() -> None:
        with tracked:
            work(0.01)

    async def main() -> None:
        with tracked:
            task = asyncio.create_task(late())
        await task

    asyncio.run(main())
    assert len(tracked.activities[0].samples) == 2


def test_blocks_that_overlap_in_one_thread_say_so() -> None:
    first, second = lichen.track("first"), lichen.track("second")
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    second.__exit__(None, None, None)
    for one in (first, second):
        assert [note for note in one.to_json()["journeys"][0]["notes"] if "another block of this process" in note]


def test_a_wrong_unit_does_not_hide_what_the_block_raised() -> None:
    tracked = lichen.track("failed")

    @tracked
    def fail() -> None:
        tracked.unit = 0
        raise KeyError

    with pytest.raises(KeyError):
        fail()
    with pytest.raises(UsageError, match="is 0"), tracked:
        pass


def test_units_may_be_any_real_number_and_folders_words(tmp_path: Path) -> None:
    with lichen.track("counted", unit=Fraction(7, 2)) as tracked:
        work(0.01)
    assert tracked.write(str(tmp_path)).parent == tmp_path
    assert tracked.to_json()["journeys"][0]["units"] == 3.5


def test_units_are_divided_and_may_be_told_inside_the_block() -> None:
    with lichen.track("detect", unit_name="image") as tracked:
        work(0.1)
        tracked.unit = 50
    assert 0.099 / 50 <= cpu_s(tracked) < 0.15 / 50
    journey = tracked.to_json()["journeys"][0]
    assert (journey["functional_unit"], journey["units"]) == ("image", 50)
    assert journey["whole"]["indicators"]["energy"]["value"] == pytest.approx(50 * tracked.energy_kwh.value)


def test_it_prints_as_lichen_run_prints_in_the_language_of_the_settings(tmp_path: Path) -> None:
    (tmp_path / "lichen.toml").write_text('[project]\nlang = "fr"\n[context]\nzone = "FR"\n')
    with lichen.track("detect", unit=2, unit_name="image") as tracked:
        assert str(tracked) == "<lichen.track 'detect', measured 0 times>"
        work(0.05)
    title, headline, *rest = (" ".join(line.split()) for line in str(tracked).splitlines())
    assert title == "detect"
    assert "CO₂ par image ; fourchette du modèle" in headline
    assert any(line.startswith("Total") for line in rest)
    assert "\x1b" not in str(tracked)
    assert "lichen-runs" not in str(tracked)
    assert repr(tracked) == "<lichen.track 'detect', measured 1 times>"


def test_an_exception_passes_and_its_repetition_is_left_out() -> None:
    tracked = lichen.track("sometimes")
    with tracked:
        work(0.01)
    window_s = values(tracked)["window_time"]
    assert window_s is not None
    with pytest.raises(ZeroDivisionError), tracked:
        work(1 / (time.sleep(0.2) is not None))
    assert values(tracked)["window_time"] == window_s
    assert tracked.to_json()["journeys"][0]["notes"][0] == (
        "the block was left by an exception 1 times, which is not counted: ZeroDivisionError"
    )


def test_measurements_of_other_processes_are_named_by_the_block_that_they_disturbed(tmp_path: Path) -> None:
    code = "import lichen, sys\nwith lichen.track('other'): print(flush=True); sys.stdin.read()"
    # A shell in between has ended: this process is no ancestor of the other one.
    starts = ["sh", "-c", 'exec 3<&0; "$@" <&3 & echo $!', "sh", sys.executable, "-c", code]
    with subprocess.Popen(starts, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as shell:
        assert shell.stdin is not None
        assert shell.stdout is not None
        other = int(shell.stdout.readline())
        assert shell.stdout.readline() == b"\n"
        shell.wait()
        with lichen.track("disturbed") as disturbed:
            work(0.01)
        shell.stdin.close()
        assert shell.stdout.read() == b""
    with lichen.track("alone") as alone:
        work(0.01)
    sentence = f"another measurement ran on this machine at the same time (process {other})"
    assert sentence in disturbed.to_json()["journeys"][0]["notes"]
    assert not [note for note in alone.to_json()["journeys"][0]["notes"] if "another measurement" in note]
    assert not (tmp_path / "here/lichen").exists()


def test_a_forked_child_does_not_keep_a_killed_measurement_alive(tmp_path: Path) -> None:
    code = (
        "import lichen, os, signal\n"
        "with lichen.track('x'):\n"
        "    child = os.fork()\n"
        "    if child == 0: print(os.getpid(), flush=True)\n"
        "    signal.pause()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        try:
            parent.kill()
            parent.wait()
            with Presence() as later:
                assert later.others() == ()
                assert [int(mark.name.partition("-")[0]) for mark in (tmp_path / "here/lichen").iterdir()] == [
                    os.getpid()
                ]
        finally:
            os.kill(child, signal.SIGKILL)


def test_the_run_file_is_like_that_of_a_command(tmp_path: Path) -> None:
    with lichen.track("detect") as tracked:
        work(0.05)
    path = tracked.write()
    assert path.parent == tmp_path / "lichen-runs"
    read = runfile.read(path).content
    assert read["activities"] == [row.to_json() for row in tracked.activities]
    assert read["activities"][0]["entity"] == f"{tmp_path.name}/command/detect/run"
    done = subprocess.run(
        [sys.executable, "-m", "lichen", "explain", "detect#energy", "--json"], capture_output=True, check=True
    )
    assert b'"energy"' in done.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"name": " "}, "The block has no name."),
        ({"name": "x", "unit": 0}, "The unit of 'x' is 0."),
        ({"name": "x", "unit": float("nan")}, "The unit of 'x' is nan."),
        ({"name": "x", "unit": 1e-320}, "The unit of 'x' is 1e-320."),
        ({"name": "x", "unit": 10**20}, "The unit of 'x' is 100000000000000000000."),
        ({"name": "x", "scope": "host"}, "There is no scope 'host'."),
    ],
)
def test_what_cannot_be_counted_is_refused(arguments: dict[str, object], sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        lichen.track(**arguments)
    assert caught.value.problem == sentence
    assert caught.value.__notes__ == [caught.value.repair]


def test_importing_lichen_loads_nothing_heavy() -> None:
    code = (
        "import sys, lichen; print(*(name for name in sys.modules if name.startswith(('lichen.', 'numpy', 'psutil'))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
