"""Makes of a pod that the chart rendered what a runtime needs to run its container: an OCI spec.

It is what a kubelet and its runtime make of the same fields, and nothing is added to them: user,
groups, capabilities, the read-only root, the seccomp profile, limits, variables, mounts. A network
of the pod's own can't be had without a cluster: containers use that of the machine.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from tests.deploy.chart import NAMESPACE, Object
from tests.deploy.image import Image

PROFILE = Path("/usr/share/containers/seccomp.json")
"""The default profile of the runtimes, which comes with buildah."""
PERIOD_MICROSECONDS = 100_000
UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30}
MASKED = ("/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware")
READ_ONLY = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
NAMESPACES = ("pid", "ipc", "uts", "mount", "cgroup")

Spec = dict[str, Any]
Mount = dict[str, Any]


def spec(pod: Object, container: Object, image: Image, volumes: dict[str, Mount]) -> Spec:
    """Return the spec of one container of a pod template, with its volumes as mounts by name."""
    context = {**pod["securityContext"], **container["securityContext"]}
    if context["capabilities"] != {"drop": ["ALL"]}:
        raise AssertionError(f"found {context['capabilities']}, wanted none to be added")
    return {
        "ociVersion": "1.0.2",
        "process": {
            "user": {
                "uid": context["runAsUser"],
                "gid": context["runAsGroup"],
                "additionalGids": [context["fsGroup"]],
            },
            "args": _arguments(container, image),
            "env": [*image.environment, *_variables(container)],
            "cwd": "/",
            "capabilities": {kind: [] for kind in _CAPABILITIES},
            "noNewPrivileges": not context["allowPrivilegeEscalation"],
        },
        "root": {"path": str(image.root), "readonly": context["readOnlyRootFilesystem"]},
        "mounts": [*_SYSTEM, *_mounted(container, volumes)],
        "linux": {
            "namespaces": [{"type": each} for each in NAMESPACES],
            "resources": _resources(container["resources"]["limits"]),
            "maskedPaths": list(MASKED),
            "readonlyPaths": list(READ_ONLY),
            "seccomp": _seccomp(context["seccompProfile"]),
        },
    }


def bytes_of(quantity: str) -> int:
    """Return the bytes of a quantity of Kubernetes."""
    number, unit = quantity[:-2], quantity[-2:]
    return int(number) * UNITS[unit] if unit in UNITS else int(quantity)


def processors_of(quantity: str) -> float:
    """Return the processors of a quantity of Kubernetes."""
    return int(quantity[:-1]) / 1000 if quantity.endswith("m") else float(quantity)


_CAPABILITIES = ("bounding", "effective", "inheritable", "permitted", "ambient")
_SYSTEM: tuple[Mount, ...] = (
    {"destination": "/proc", "type": "proc", "source": "proc"},
    {
        "destination": "/dev",
        "type": "tmpfs",
        "source": "tmpfs",
        "options": ["nosuid", "strictatime", "mode=755", "size=65536k"],
    },
    {
        "destination": "/dev/shm",
        "type": "tmpfs",
        "source": "shm",
        "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"],
    },
    {
        "destination": "/sys",
        "type": "none",
        "source": "/sys",
        "options": ["rbind", "nosuid", "noexec", "nodev", "ro"],
    },
)


def _arguments(container: Object, image: Image) -> list[str]:
    return [*container.get("command", image.entrypoint), *container.get("args", [])]


def _variables(container: Object) -> list[str]:
    values: dict[str, str] = {}
    for variable in container.get("env", []):
        value: str = variable.get("value") or _looked_up(variable["valueFrom"], container)
        for name, known in values.items():
            value = value.replace(f"$({name})", known)
        values[variable["name"]] = value
    return [f"{name}={value}" for name, value in values.items()]


def _looked_up(source: Object, container: Object) -> str:
    if "fieldRef" in source:
        fields = {"metadata.namespace": NAMESPACE, "metadata.name": "live-onoma-0"}
        return fields[source["fieldRef"]["fieldPath"]]
    kind, name = source["resourceFieldRef"]["resource"].split(".")
    # Rounded up to whole processors, as the kubelet does without a divisor.
    return str(math.ceil(processors_of(container["resources"][kind][name])))


def _mounted(container: Object, volumes: dict[str, Mount]) -> list[Mount]:
    mounts = []
    for mount in container["volumeMounts"]:
        volume = volumes[mount["name"]]
        options = [*volume["options"], *(["ro"] if mount.get("readOnly") else [])]
        mounts.append({**volume, "destination": mount["mountPath"], "options": options})
    return mounts


def _resources(limits: Object) -> Object:
    quota = processors_of(limits["cpu"]) * PERIOD_MICROSECONDS
    return {
        "memory": {"limit": bytes_of(limits["memory"])},
        "cpu": {"quota": int(quota), "period": PERIOD_MICROSECONDS},
        "devices": [{"allow": False, "access": "rwm"}],
    }


def _seccomp(asked: Object) -> Object:
    """Return the runtimes' default profile for a process without capabilities."""
    if asked != {"type": "RuntimeDefault"}:
        raise AssertionError(f"found {asked}, wanted RuntimeDefault")
    profile = json.loads(PROFILE.read_text("utf-8"))
    return {
        "defaultAction": profile["defaultAction"],
        "defaultErrnoRet": profile["defaultErrnoRet"],
        "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
        "syscalls": [_rule(rule) for rule in profile["syscalls"] if _holds(rule["includes"])],
    }


def _holds(conditions: Object) -> bool:
    if "caps" in conditions:
        return False
    return "arches" not in conditions or bool({"amd64", "x86"} & set(conditions["arches"]))


def _rule(rule: Object) -> Object:
    kept: Object = {key: rule[key] for key in ("names", "action", "errnoRet") if key in rule}
    return {**kept, "args": rule["args"] or []}
