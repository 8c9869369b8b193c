"""Runs a container of a pod that the chart rendered, with runc, in a control group of its own."""

from __future__ import annotations

import atexit
import itertools
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.deploy.chart import Object, of_kind
from tests.deploy.image import Image
from tests.deploy.oci import Mount, bytes_of, spec
from tests.stream.worker import wait_until

GROUPS = Path("/sys/fs/cgroup")
END_SECONDS = 120.0
_numbers = itertools.count()

Secrets = Mapping[str, Mapping[str, bytes]]


def volumes(
    pod: Object, objects: tuple[Object, ...], secrets: Secrets, directory: Path
) -> dict[str, Mount]:
    """Lay out the volumes of a pod as its node would; return each as a mount without its place."""
    owner = pod["securityContext"]["fsGroup"]
    mounts = {}
    for volume in pod["volumes"]:
        place = directory / volume["name"]
        if volume.get("emptyDir", {}).get("medium") == "Memory":
            size = bytes_of(volume["emptyDir"]["sizeLimit"])
            options = ["nosuid", "nodev", "mode=2777", f"gid={owner}", f"size={size}"]
            mounts[volume["name"]] = {"type": "tmpfs", "source": "tmpfs", "options": options}
            continue
        place.mkdir(parents=True)
        if "projected" in volume:
            _project(volume["projected"], objects, secrets, place, owner)
        elif "emptyDir" in volume:
            os.chown(place, 0, owner)
            place.chmod(0o2777)
        else:
            raise AssertionError(f"found {sorted(volume)}, wanted a projected or an empty volume")
        mounts[volume["name"]] = {"type": "none", "source": str(place), "options": ["bind"]}
    return mounts


def _project(
    asked: Object, objects: tuple[Object, ...], secrets: Secrets, place: Path, owner: int
) -> None:
    maps = {each["metadata"]["name"]: each["data"] for each in of_kind(objects, "ConfigMap")}
    for source in asked["sources"]:
        if "secret" in source:
            given: Mapping[str, bytes] = secrets[source["secret"]["name"]]
            items = source["secret"]["items"]
        else:
            data = maps[source["configMap"]["name"]]
            given = {key: text.encode() for key, text in data.items()}
            everything = [{"key": key, "path": key} for key in given]
            items = source["configMap"].get("items", everything)
        for item in items:
            file = place / item["path"]
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(given[item["key"]])
            os.chown(file, 0, owner)
            file.chmod(asked["defaultMode"])


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod template of the chart on this machine: its spec, its volumes, its image."""

    spec: Object
    volumes: dict[str, Mount]
    image: Image
    directory: Path

    @classmethod
    def laid_out(
        cls,
        workload: Object,
        objects: tuple[Object, ...],
        image: Image,
        directory: Path,
        *,
        secrets: Secrets | None = None,
    ) -> Pod:
        """Lay out the volumes of a workload's pod."""
        found: Object = workload["spec"]["template"]["spec"]
        mounts = volumes(found, objects, secrets or {}, directory / "volumes")
        return cls(found, mounts, image, directory)

    @contextmanager
    def running(self, container: Object) -> Iterator[Container]:
        """Run a container of the pod; it ends with this at the latest."""
        started = Container(spec(self.spec, container, self.image, self.volumes), self.directory)
        atexit.register(started.remove)
        try:
            yield started
        finally:
            started.remove()
            atexit.unregister(started.remove)


class Container:
    """A container that runs, or has run."""

    def __init__(self, spec: dict[str, Any], directory: Path) -> None:
        self.name = f"onoma-test-{os.getpid()}-{next(_numbers)}"
        self._bundle = directory / self.name
        self._bundle.mkdir(parents=True)
        spec["linux"]["cgroupsPath"] = f"/onoma-test/{self.name}"
        (self._bundle / "config.json").write_text(json.dumps(spec), "utf-8")
        self._log_file = self._bundle / "log"
        pid_file = self._bundle / "pid"
        with self._log_file.open("wb") as log:
            self._process = subprocess.Popen(
                ["runc", "run", "--bundle", self._bundle, "--pid-file", pid_file, self.name],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        wait_until(
            lambda: pid_file.exists() or self._process.poll() is not None, "the container runs", 60
        )
        if not pid_file.exists():
            raise AssertionError(f"the container did not start:\n{self.log}")
        self.pid = int(pid_file.read_text())

    @property
    def log(self) -> str:
        """What it wrote."""
        return self._log_file.read_text("utf-8", errors="replace")

    @property
    def running(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def wait_for_end(self, timeout_seconds: float = END_SECONDS) -> int:
        """Wait until it ends by itself; return its exit code."""
        return self._process.wait(timeout_seconds)

    def stop(self, timeout_seconds: float) -> int:
        """Send SIGTERM as a kubelet does; return the exit code."""
        subprocess.run(["runc", "kill", self.name, "TERM"], check=True, timeout=END_SECONDS)
        return self.wait_for_end(timeout_seconds)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the container, with the rights of its process."""
        return subprocess.run(
            ["runc", "exec", self.name, *command],
            capture_output=True,
            text=True,
            timeout=END_SECONDS,
            check=False,
        )

    def status(self) -> dict[str, str]:
        """Return what the kernel says of its process."""
        lines = Path(f"/proc/{self.pid}/status").read_text("utf-8").splitlines()
        return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}

    def memory(self) -> Memory:
        """Return what the kernel counted in its control group."""
        version_1 = GROUPS / "memory" / "onoma-test" / self.name
        if version_1.is_dir():
            names = ("memory.limit_in_bytes", "memory.max_usage_in_bytes", "memory.failcnt")
            return Memory(*(int((version_1 / name).read_text()) for name in names))
        version_2 = GROUPS / "onoma-test" / self.name
        limit, peak = (int((version_2 / f"memory.{name}").read_text()) for name in ("max", "peak"))
        events = dict(line.split() for line in (version_2 / "memory.events").open())
        return Memory(limit, peak, int(events["max"]))

    def remove(self) -> None:
        """End it, and leave nothing of it."""
        if self._process.poll() is None:
            subprocess.run(["runc", "kill", self.name, "KILL"], check=False, timeout=END_SECONDS)
            self._process.wait(END_SECONDS)
        subprocess.run(["runc", "delete", "--force", self.name], check=False, timeout=END_SECONDS)


@dataclass(frozen=True, slots=True)
class Memory:
    """The limit of a control group, the most that it held, and how often the limit was reached."""

    limit_bytes: int
    most_bytes: int
    refusals: int
