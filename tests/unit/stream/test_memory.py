"""Memory is that of the limited control group, whichever version; else that of the process."""

from __future__ import annotations

from pathlib import Path

import pytest

from onoma.stream.memory import Memory, memory

MIB = 1024**2


def root_of(directory: Path, files: dict[str, str]) -> Path:
    for name, text in {"proc/self/statm": "9000 2048 300 1 0 700 0\n", **files}.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "ascii")
    return directory


def second(limit: str) -> dict[str, str]:
    return {
        "sys/fs/cgroup/memory.max": limit,
        "sys/fs/cgroup/memory.current": f"{500 * MIB}\n",
        "sys/fs/cgroup/memory.stat": f"anon 1\nfile 2\ninactive_file {100 * MIB}\n",
    }


def first(limit: str) -> dict[str, str]:
    return {
        "sys/fs/cgroup/memory/memory.limit_in_bytes": limit,
        "sys/fs/cgroup/memory/memory.usage_in_bytes": f"{500 * MIB}\n",
        "sys/fs/cgroup/memory/memory.stat": f"inactive_file 3\ntotal_inactive_file {MIB}\n",
    }


@pytest.mark.parametrize(
    ("files", "used"), [(second(f"{512 * MIB}\n"), 400), (first(f"{512 * MIB}\n"), 499)]
)
def test_what_a_group_can_give_back_does_not_count(
    tmp_path: Path, files: dict[str, str], used: int
) -> None:
    assert memory(root_of(tmp_path, files)) == Memory(used * MIB, 512 * MIB)


@pytest.mark.parametrize("files", [{}, second("max\n"), first("9223372036854771712\n")])
def test_without_a_limit_it_is_the_resident_set(tmp_path: Path, files: dict[str, str]) -> None:
    found = memory(root_of(tmp_path, files))

    assert found.limit_bytes == 0
    assert found.used_bytes % 2048 == 0
    assert found.used_bytes > 0


def test_a_new_group_without_statistics_counts_whole(tmp_path: Path) -> None:
    files = second("1000\n") | {"sys/fs/cgroup/memory.stat": ""}

    assert memory(root_of(tmp_path, files)) == Memory(500 * MIB, 1000)


def test_this_process_has_memory() -> None:
    assert memory().used_bytes > MIB
