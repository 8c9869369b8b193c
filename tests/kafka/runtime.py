"""What it takes to run Apache Kafka here: a Java, the jars of `pom.xml`, a class archive.

Paths of this machine are written below `.cache/kafka` only, which git ignores. A class path once
resolved is used without Maven and without network for as long as its jars exist.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
CACHE = HERE.parents[1] / ".cache" / "kafka"
POM = HERE / "pom.xml"
LOGGING = HERE / "log4j2.properties"
OLDEST_JAVA = 17
MAVEN_TIMEOUT_SECONDS = 300.0
# Small and quick to start: a test's broker lives for seconds and shares the machine with workers.
JAVA_OPTIONS = ("-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


class KafkaUnavailable(Exception):  # noqa: N818 (a state of this machine, no fault of the tests)
    """Apache Kafka can't run here; the message says what was found, wanted, and what to do."""


@dataclass(frozen=True, slots=True)
class Java:
    """A Java that is new enough; `version` is its banner: a class archive fits one build only."""

    program: str
    version: str


@dataclass(frozen=True, slots=True)
class Runtime:
    """All that a broker process needs; `archive` is None until it was made once."""

    java: Java
    class_path: str
    archive: Path | None

    def command(self, main_class: str, *arguments: str, options: tuple[str, ...] = ()) -> list[str]:
        """Give the command line that runs a class of Kafka."""
        shared = (f"-XX:SharedArchiveFile={self.archive}", "-Xshare:auto") if self.archive else ()
        logging = f"-Dlog4j2.configurationFile={LOGGING}"
        return [
            *(self.java.program, *JAVA_OPTIONS, logging, *shared, *options),
            *("-cp", self.class_path, main_class, *arguments),
        ]


def find_java() -> Java:
    """Find a Java of version 17 or newer on the PATH."""
    program = shutil.which("java")
    if program is None:
        raise KafkaUnavailable(
            f"found no java on the PATH; wanted {OLDEST_JAVA} or newer: install a JDK or JRE"
        )
    banner = subprocess.run([program, "-version"], capture_output=True, text=True, timeout=30)
    version = (banner.stderr or banner.stdout).strip()
    number = re.search(r'version "(?:1\.)?(\d+)', version)
    if number is None or int(number.group(1)) < OLDEST_JAVA:
        first_line = version.partition("\n")[0] or "no version"
        raise KafkaUnavailable(
            f"found {program}: {first_line}; wanted {OLDEST_JAVA} or newer: "
            "install one and put it first on the PATH"
        )
    return Java(program, version)


def class_path() -> str:
    """Give the jars of `pom.xml`, resolved by Maven once and kept in the cache."""
    kept = CACHE / f"class-path-{_fingerprint(POM.read_text('utf-8'))}.txt"
    if kept.exists():
        jars = kept.read_text("utf-8").strip()
        if all(Path(jar).exists() for jar in jars.split(":")):
            return jars
    _resolve(kept)
    return kept.read_text("utf-8").strip()


def kafka_version() -> str:
    """Give the version of Apache Kafka that `pom.xml` asks for."""
    found = re.search(r"<kafka.version>([^<]+)<", POM.read_text("utf-8"))
    return found.group(1) if found else "unknown"


def _resolve(target: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise KafkaUnavailable(
            f"found no class path in {CACHE} and no mvn on the PATH; "
            f"wanted the jars of {POM.name}: install Maven"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_suffix(".part")
    command = [maven, "-q", "-B", "-f", str(POM), "dependency:build-classpath"]
    command += ["-DincludeScope=runtime", f"-Dmdep.outputFile={unfinished}"]
    try:
        finished = subprocess.run(
            command, capture_output=True, text=True, timeout=MAVEN_TIMEOUT_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise KafkaUnavailable(
            f"mvn didn't resolve {POM.name} in {MAVEN_TIMEOUT_SECONDS:.0f} s; wanted its jars: "
            "see whether Maven reaches a repository"
        ) from error
    if finished.returncode != 0:
        tail = "\n".join((finished.stdout + finished.stderr).strip().splitlines()[-8:])
        raise KafkaUnavailable(
            f"mvn ended with {finished.returncode}; wanted the jars of {POM.name}: "
            f"see whether Maven reaches a repository. Its last lines:\n{tail}"
        )
    unfinished.replace(target)


def archive_path(java: Java, jars: str) -> Path:
    """Give the place of the class archive that fits this Java and these jars."""
    return CACHE / f"classes-{_fingerprint(java.version, jars)}.jsa"


def find_runtime() -> Runtime:
    """Give what a broker needs, with the class archive where there is one."""
    java, jars = find_java(), class_path()
    archive = archive_path(java, jars)
    return Runtime(java, jars, archive if archive.exists() else None)


def _fingerprint(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
