# SPDX-License-Identifier: Apache-2.0
"""Control groups of every layout, as folders of files: where they lie, and what their accounts say."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lichen.collect.machine.cgroups import storage as cgroup_storage
from lichen.collect.machine.cgroups.counter import CgroupCounter
from lichen.collect.machine.cgroups.files import GroupFile, GroupFiles, field_of, stalled_us
from lichen.collect.machine.cgroups.group import Group, Hierarchies
from lichen.collect.machine.cgroups.memory import GroupMemory
from lichen.collect.machine.cgroups.network_bytes import NamespaceNetwork
from lichen.collect.machine.cumulative import Cumulative
from lichen.errors import ConfigError, NothingMeasured

ID = "4f2a" * 16
OTHER_ID = "4f2b" + ID[4:]

V2_MOUNTS = "35 24 0:30 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n"
V1_MOUNTS = (
    "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct\n"
    "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
    "38 31 0:35 / /sys/fs/cgroup/blkio rw,relatime - cgroup cgroup rw,blkio\n"
    "40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd\n"
)
HYBRID_MOUNTS = V1_MOUNTS + "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n"

V2_FILES = {
    "cgroup.procs": "101\n102\n",
    "cgroup.events": "populated 1\nfrozen 0\n",
    "cpu.stat": "usage_usec 1057415\nuser_usec 900000\nsystem_usec 157415\n",
    "memory.current": "300000000\n",
    "memory.stat": "anon 120000000\nfile 170000000\ninactive_anon 5\ninactive_file 90000000\nactive_file 80000000\n",
    "cpu.pressure": "some avg10=1.20 avg60=0.00 avg300=0.00 total=5300\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=1\n",
    "memory.pressure": "some avg10=0.00 avg60=0.00 avg300=0.00 total=70\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
    "io.pressure": "some avg10=0.00 avg60=0.00 avg300=0.00 total=900\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
    "io.stat": "254:0 rbytes=4096 wbytes=1000000 rios=1 wios=9 dbytes=77 dios=1\n254:16 rbytes=1000 wbytes=0 rios=1 wios=0\n",
}
V1_FILES = {
    "cpu,cpuacct": {"cpuacct.usage": "1057415350\n", "cgroup.procs": "101\n102\n103\n"},
    "memory": {
        "memory.usage_in_bytes": "300000000\n",
        "memory.max_usage_in_bytes": "350000000\n",
        "memory.stat": "cache 170000000\ninactive_file 1\ntotal_cache 170000000\ntotal_inactive_file 90000000\n",
    },
    "blkio": {
        "blkio.throttle.io_service_bytes_recursive": "254:0 Read 500\n254:0 Write 1500\n254:0 Sync 2000\n"
        "254:0 Async 0\n254:0 Discard 9\n254:0 Total 2009\nTotal 2009\n"
    },
}


def write(folder: Path, files: dict[str, str]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_text(content)
    return folder


def machine(root: Path, mounts: str, processes: dict[int, str] | None = None) -> Path:
    write(root / "proc/self", {"mountinfo": mounts})
    for pid, groups in (processes or {}).items():
        write(root / f"proc/{pid}", {"cgroup": groups})
    return root


def v1_group(root: Path, name: str) -> None:
    for controller, files in V1_FILES.items():
        write(root / "sys/fs/cgroup" / controller / name, files)


@pytest.mark.parametrize(
    ("mounts", "layout"), [(V2_MOUNTS, "v2"), (V1_MOUNTS, "v1"), (HYBRID_MOUNTS, "hybrid"), ("", None)]
)
def test_the_layout_is_told_by_the_mount_table(tmp_path, mounts, layout):
    assert Hierarchies.read(machine(tmp_path, mounts)).layout == layout
    assert Hierarchies.read(tmp_path / "nowhere").layout is None


@pytest.mark.parametrize(
    "path", ["system.slice/web.service", "/system.slice/web.service/", "/sys/fs/cgroup/system.slice/web.service"]
)
def test_a_group_is_found_by_its_path_below_the_hierarchy_or_in_full(tmp_path, path):
    hierarchies = Hierarchies.read(machine(tmp_path, V2_MOUNTS))
    folder = write(tmp_path / "sys/fs/cgroup/system.slice/web.service", V2_FILES)
    group = hierarchies.of_path(path)
    assert group == Group("system.slice/web.service", {"": folder})
    assert group.pids() == [101, 102]


def test_a_path_that_is_not_there_is_told_with_the_nearest_and_the_machine_itself_is_refused(tmp_path):
    hierarchies = Hierarchies.read(machine(tmp_path, V2_MOUNTS))
    write(tmp_path / "sys/fs/cgroup/system.slice/web.service", V2_FILES)
    with pytest.raises(NothingMeasured, match=r"no control group 'web\.service'") as missing:
        hierarchies.of_path("web.service")
    assert missing.value.repair == "Did you mean 'system.slice/web.service'?"
    for path in ("/", "", "/sys/fs/cgroup", "system.slice/../../.."):
        with pytest.raises(ConfigError, match="no control group of a part"):
            hierarchies.of_path(path)


def test_without_control_groups_the_repair_says_so(tmp_path):
    with pytest.raises(NothingMeasured) as missing:
        Hierarchies.read(machine(tmp_path, "")).of_path("web")
    assert "mount them" in missing.value.repair


def test_the_group_of_a_process_on_version_1_has_a_folder_for_each_controller(tmp_path):
    groups = f"5:cpu,cpuacct:/docker/{ID}\n4:memory:/docker/{ID}\n3:blkio:/docker/{ID}\n1:name=systemd:/docker/{ID}\n"
    hierarchies = Hierarchies.read(machine(tmp_path, V1_MOUNTS, {101: groups}))
    v1_group(tmp_path, f"docker/{ID}")
    group = hierarchies.of_pid(101)
    base = tmp_path / "sys/fs/cgroup"
    assert group.name == f"docker/{ID}"
    assert group.folders == {
        "cpuacct": base / f"cpu,cpuacct/docker/{ID}",
        "memory": base / f"memory/docker/{ID}",
        "blkio": base / f"blkio/docker/{ID}",
    }


def test_a_hierarchy_that_puts_the_process_elsewhere_is_left_out(tmp_path):
    groups = "5:cpu,cpuacct:/jobs/one\n4:memory:/jobs\n0::/jobs/one\n"
    hierarchies = Hierarchies.read(machine(tmp_path, HYBRID_MOUNTS, {101: groups}))
    v1_group(tmp_path, "jobs/one")
    write(tmp_path / "sys/fs/cgroup/unified/jobs/one", V2_FILES)
    assert hierarchies.of_pid(101).folders.keys() == {"cpuacct", ""}


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("/", "/system.slice/web.service", "system.slice/web.service"),  # the service manager fills version 2 only
        ("/system.slice", "/system.slice/web.service", "system.slice/web.service"),  # or is finer there
        (f"/docker/{ID}", "/", f"docker/{ID}"),  # the engine fills version 1 only
        (f"/docker/{ID}", "/system.slice/containerd.service", f"docker/{ID}"),
    ],
)
def test_in_a_hybrid_layout_the_finer_group_counts(tmp_path, old, new, name):
    hierarchies = Hierarchies.read(machine(tmp_path, HYBRID_MOUNTS, {101: f"5:cpu,cpuacct:{old}\n0::{new}\n"}))
    write(tmp_path / f"sys/fs/cgroup/cpu,cpuacct{old}", V1_FILES["cpu,cpuacct"])
    write(tmp_path / f"sys/fs/cgroup/unified{new}", V2_FILES)
    assert hierarchies.of_pid(101).name == name


def test_a_process_in_the_machines_own_group_only_is_refused(tmp_path):
    hierarchies = Hierarchies.read(machine(tmp_path, V2_MOUNTS, {101: "0::/\n"}))
    write(
        tmp_path / "sys/fs/cgroup",
        {"cgroup.procs": "101\n", "cgroup.controllers": "cpu\n", "cpu.stat": "usage_usec 1\n"},
    )
    with pytest.raises(NothingMeasured, match="in no control group of its own") as refused:
        hierarchies.of_pid(101)
    assert "pid or port" in refused.value.repair
    with pytest.raises(NothingMeasured, match="no process 999"):
        hierarchies.of_pid(999)


def test_a_container_that_sees_the_whole_hierarchy_of_version_1(tmp_path):
    # No namespace: the mount shows the container's own part, the process knows its full path.
    mounts = f"32 31 0:29 /docker/{ID} /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n"
    groups = {101: f"5:cpu,cpuacct:/docker/{ID}/worker\n", 102: f"5:cpu,cpuacct:/docker/{OTHER_ID}\n"}
    hierarchies = Hierarchies.read(machine(tmp_path, mounts, groups))
    folder = write(tmp_path / "sys/fs/cgroup/cpu,cpuacct/worker", V1_FILES["cpu,cpuacct"])
    assert hierarchies.of_pid(101).folders == {"cpuacct": folder}
    with pytest.raises(NothingMeasured, match="not shown in this container"):
        hierarchies.of_pid(102)


def test_a_container_in_a_namespace_sees_its_own_group_as_the_top(tmp_path):
    mounts = "35 24 0:30 / /sys/fs/cgroup ro - cgroup2 cgroup2 rw,nsdelegate\n"
    hierarchies = Hierarchies.read(machine(tmp_path, mounts, {101: "0::/\n", 102: f"0::/../{OTHER_ID}\n"}))
    write(tmp_path / "sys/fs/cgroup", V2_FILES | {"cgroup.controllers": "cpu\n", "cgroup.procs": "101\n"})
    assert hierarchies.of_pid(101).folders == {"": tmp_path / "sys/fs/cgroup"}
    with pytest.raises(NothingMeasured, match="not shown in this container"):
        hierarchies.of_pid(102)


def test_a_namespace_that_hides_names_is_searched_for_the_process(tmp_path):
    # The machine's hierarchy mounted into a container with a namespace of its own: names above it are hidden.
    mounts = "35 24 0:30 /../.. /host/cgroup ro - cgroup2 cgroup2 rw\n"
    hierarchies = Hierarchies.read(machine(tmp_path, mounts, {101: f"0::/../{OTHER_ID}\n"}))
    folder = write(tmp_path / f"host/cgroup/docker/{OTHER_ID}", V2_FILES)
    write(tmp_path / f"host/cgroup/docker/{ID}", V2_FILES | {"cgroup.procs": "7\n"})
    assert hierarchies.of_pid(101).folders == {"": folder}


def test_white_space_in_the_mount_table_is_octal(tmp_path):
    mounts = r"35 24 0:30 / /my\040groups/\134x rw - cgroup2 cgroup2 rw" + "\n"
    hierarchies = Hierarchies.read(machine(tmp_path, mounts))
    folder = write(tmp_path / "my groups/\\x/web", V2_FILES)
    assert hierarchies.of_path("web").folders == {"": folder}


@pytest.mark.parametrize(
    "name",
    [
        f"docker/{ID}",
        f"system.slice/docker-{ID}.scope",
        f"libpod_parent/libpod-{ID}",
        f"machine.slice/libpod-{ID}.scope",
        f"kubepods/burstable/pod0c1d2e3f-1111-2222-3333-444455556666/{ID}",
        f"kubepods.slice/kubepods-pod0c1d.slice/cri-containerd-{ID}.scope",
        f"kubepods.slice/kubepods-pod0c1d.slice/crio-{ID}.scope",
    ],
)
@pytest.mark.parametrize("wanted", [ID, ID[:12], ID[:20].upper()])
def test_a_container_is_found_by_its_id_whatever_engine_and_driver(tmp_path, name, wanted):
    hierarchies = Hierarchies.read(machine(tmp_path, V2_MOUNTS))
    folder = write(tmp_path / "sys/fs/cgroup" / name, V2_FILES)
    write(folder / "container", V2_FILES)
    write(tmp_path / f"sys/fs/cgroup/machine.slice/libpod-conmon-{ID}.scope", V2_FILES)
    write(tmp_path / f"sys/fs/cgroup/docker/{OTHER_ID}", V2_FILES)
    assert hierarchies.of_container(wanted) == Group(name, {"": folder})


def test_an_id_that_is_none_or_fits_two_containers_is_refused(tmp_path):
    hierarchies = Hierarchies.read(machine(tmp_path, V2_MOUNTS))
    for tail in "01":
        write(tmp_path / f"sys/fs/cgroup/docker/{ID[:-1]}{tail}", V2_FILES)
    for wanted, said in (("web", "no container id"), (ID[:11], "no container id"), (ID[:12], "fits 2 containers")):
        with pytest.raises(ConfigError, match=said):
            hierarchies.of_container(wanted)
    with pytest.raises(NothingMeasured, match="No control group of this machine"):
        hierarchies.of_container("abcdef012345")


def counter_of(group: Group) -> CgroupCounter:
    return CgroupCounter("group", lambda: group, network=False)


def test_accounts_of_version_2(tmp_path):
    folder = write(tmp_path / "g", V2_FILES)
    counter = counter_of(Group("g", {"": folder}))
    counter.start()
    first = counter.read()
    write(folder, {"cpu.stat": "usage_usec 2057415\n", "cpu.pressure": "some avg10=0 avg60=0 avg300=0 total=9300\n"})
    write(
        folder, {"io.stat": "254:0 rbytes=5096 wbytes=1000000\n254:16 rbytes=1000 wbytes=30\n", "cgroup.procs": "101\n"}
    )
    last = counter.read()
    counter.close()
    span = last.since(first, peak_bytes=last.memory_peak_bytes)
    assert (span.cpu_ns, span.disk_bytes, span.alive) == (1_000_000_000, 1030, 1)
    assert (span.cpu_stalled_ns, span.memory_stalled_ns, span.io_stalled_ns) == (4_000_000, 0, 0)
    assert span.memory_peak_bytes == 300_000_000 - 90_000_000
    assert counter.method() == "measured"


def test_accounts_of_version_1(tmp_path):
    v1_group(tmp_path, "g")
    base = tmp_path / "sys/fs/cgroup"
    folders = {
        name: base / mount / "g"
        for name, mount in (("cpuacct", "cpu,cpuacct"), ("memory", "memory"), ("blkio", "blkio"))
    }
    counter = counter_of(Group("g", folders))
    counter.start()
    first = counter.read()
    write(folders["cpuacct"], {"cpuacct.usage": "1057415355\n"})
    write(folders["blkio"], {"blkio.throttle.io_service_bytes_recursive": "254:0 Read 600\n254:0 Write 1500\n"})
    last = counter.read()
    counter.close()
    assert (last.cpu_ns - first.cpu_ns, last.disk_bytes - first.disk_bytes, last.alive) == (5, 100, 3)
    assert last.memory_peak_bytes == 210_000_000
    assert last.cpu_stalled_ns is None
    assert any("highest seen" in note for note in counter.notes())


def test_what_a_group_does_not_count_is_unknown_and_said(tmp_path):
    folder = write(tmp_path / "g", {name: V2_FILES[name] for name in ("cpu.stat", "cgroup.procs")})
    counter = counter_of(Group("g", {"": folder}))
    counter.start()
    reading = counter.read()
    counter.close()
    assert (reading.memory_peak_bytes, reading.memory_byte_seconds, reading.cpu_stalled_ns) == (None, None, None)
    assert (reading.network_bytes, reading.network_loopback_bytes) == (None, None)
    assert any("no memory controller" in note for note in counter.notes())


def test_a_group_whose_cpu_time_is_missing_measures_nothing(tmp_path):
    folder = write(tmp_path / "g", {"cgroup.procs": ""})
    with pytest.raises(NothingMeasured, match=r"cpu\.stat: No such file"):
        counter_of(Group("g", {"": folder})).start()
    with pytest.raises(NothingMeasured, match=r"no .group. to measure"):
        CgroupCounter("group", lambda: None).start()


def test_a_counter_that_was_set_to_zero_goes_on_growing(tmp_path):
    folder = write(tmp_path / "g", V2_FILES)
    counter = counter_of(Group("g", {"": folder}))
    counter.start()
    grown = []
    for usage in (1057420, 3, 5):
        write(folder, {"cpu.stat": f"usage_usec {usage}\n"})
        grown.append(counter.read().cpu_ns)
    counter.close()
    assert grown == [5_000, 8_000, 10_000]
    assert any("set to zero" in note for note in counter.notes())


def test_volumes_and_loops_do_not_count_what_their_disks_count_again(tmp_path, monkeypatch):
    monkeypatch.setattr(cgroup_storage, "_DEVICES", tmp_path / "devices")
    (tmp_path / "devices/8:0/slaves").mkdir(parents=True)
    (tmp_path / "devices/253:0/slaves/sda").mkdir(parents=True)
    (tmp_path / "devices/7:0/slaves").mkdir(parents=True)
    (tmp_path / "devices/7:0/loop").mkdir()
    folder = write(
        tmp_path / "g", {"io.stat": "8:0 rbytes=10 wbytes=5\n253:0 rbytes=10 wbytes=5\n7:0 rbytes=3 wbytes=0\n"}
    )
    storage = cgroup_storage.open_storage(Group("g", {"": folder}))
    assert storage.read(()) == 15
    storage.close()


def test_throttle_counters_that_stand_at_zero_are_not_believed(tmp_path):
    v1_group(tmp_path, "g")
    folder = write(tmp_path / "sys/fs/cgroup/blkio/g", {"blkio.throttle.io_service_bytes_recursive": "Total 0\n"})
    home = write(tmp_path / "home", {"cgroup.procs": "", "cpuacct.usage": "1\n"})
    storage = cgroup_storage.open_storage(Group("g", {"blkio": folder, "cpuacct": home}))
    assert isinstance(storage, cgroup_storage._Processes)
    storage.close()


def memory_of(folder: Path) -> GroupMemory:
    return GroupMemory(GroupFiles(Group("g", {"": folder})))


def use(folder: Path, *, current: int, idle: int, mark: int) -> None:
    write(
        folder,
        {
            "memory.current": f"{current}\n",
            "memory.stat": f"anon 1\ninactive_file {idle}\n",
            "memory.peak": f"{mark}\n",
        },
    )


def test_memory_is_integrated_and_its_peak_is_that_of_the_span_where_the_mark_is_set_back(tmp_path, monkeypatch):
    folder = write(tmp_path / "g", V2_FILES)
    use(folder, current=100, idle=40, mark=900)

    def set_back(file: GroupFile, content: bytes) -> bool:
        # What the kernel does since 6.12: the mark of this reader falls to what is used now.
        assert content == b"reset"
        Path(file.path).write_text((folder / "memory.current").read_text())
        return True

    monkeypatch.setattr(GroupFile, "write", set_back)
    memory = memory_of(folder)
    assert memory.marks
    assert memory.look(0) == (0.0, 60)
    use(folder, current=120, idle=40, mark=500)  # a burst of 500 between the looks, of which 40 idle file pages
    assert memory.look(2_000_000_000) == (140.0, 460)
    use(folder, current=120, idle=40, mark=120)
    assert memory.look(3_000_000_000) == (220.0, 80)
    memory.close()


def test_a_mark_that_cannot_be_set_back_tells_a_peak_only_when_it_rises(tmp_path, monkeypatch):
    folder = write(tmp_path / "g", V2_FILES)
    use(folder, current=100, idle=40, mark=900)
    monkeypatch.setattr(GroupFile, "write", lambda *_: False)
    memory = memory_of(folder)
    assert not memory.marks
    assert memory.look(0) == (0.0, 60)
    use(folder, current=120, idle=40, mark=900)
    assert memory.look(1_000_000_000) == (70.0, 80)
    use(folder, current=120, idle=30, mark=940)
    assert memory.look(2_000_000_000) == (155.0, 900)
    memory.close()


def test_fields_and_pressure_are_parsed_by_their_names():
    assert field_of(b"inactive_file 7\nfile 3\n", b"file") == 3
    assert field_of(b"file 3", b"file") == 3
    assert field_of(b"inactive_file 7\n", b"file") is None
    assert stalled_us(b"some avg10=0.00 avg60=0.00 avg300=0.00 total=12\nfull avg10=0 total=3\n") == 12
    assert stalled_us(b"full avg10=0 total=3\n") is None
    assert stalled_us(b"") is None


DEV = "Inter-| Receive | Transmit\n face |bytes packets ...\n"


def test_interfaces_have_any_name_and_may_come_go_and_come_back(tmp_path):
    file = tmp_path / "dev"

    def interfaces(**bytes_of: tuple[int, int]) -> None:
        lines = (f"{name}: {r} 1 0 0 0 0 0 0 {s} 1 0 0 0 0 0 0\n" for name, (r, s) in bytes_of.items())
        file.write_text(DEV + "".join(lines))

    network = NamespaceNetwork("self")
    os.dup2(os.open(file, os.O_RDONLY | os.O_CREAT), network._fd)
    steps = [
        ({"lo": (5, 5), "ens3": (1000, 100)}, (0, 0)),
        ({"lo": (9, 9), "ens3": (1500, 110)}, (500, 10)),
        ({"lo": (9, 9), "ens3": (1500, 110), "tun0": (70, 7)}, (570, 17)),
        ({"lo": (9, 9), "tun0": (80, 8)}, (580, 18)),
        ({"lo": (9, 9), "tun0": (80, 8), "ens3": (40, 4)}, (620, 22)),
        ({"lo": (9, 9), "tun0": (3, 1), "ens3": (40, 4)}, (623, 23)),
    ]
    for interface, (received, sent) in steps:
        interfaces(**interface)
        traffic = network.read()
        assert (traffic.received, traffic.sent, traffic.loopback) == (received, sent, 0)
    network.close()


@given(st.lists(st.tuples(st.sampled_from(["grow", "reset", "restart", "unknown"]), st.integers(0, 10**15))))
def test_what_is_kept_of_a_counter_never_shrinks_and_is_the_sum_of_its_increases(events):
    counter, value, expected, known = Cumulative(), 0, 0, False
    for kind, amount in events:
        before = counter.total
        if kind == "unknown":
            assert counter.feed(None) is None
            continue
        if kind == "grow":
            value += amount
            expected += amount if known else 0
        elif kind == "reset":
            if amount >= value:
                continue
            expected += amount if known else 0
            value = amount
        else:
            counter.restart()
            expected += amount if known else 0
            value = amount
        known = True
        assert counter.feed(value) == expected
        assert before is None or counter.total >= before
