"""The image is built, and runs as the chart says: as nobody, nothing writable, within limits."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from onoma.registry.bundle import default_directory
from tests.conftest import Unique
from tests.deploy.chart import Values
from tests.deploy.image import Image, built
from tests.deploy.oci import bytes_of
from tests.deploy.release import PARTITIONS, Release, RunningWorker
from tests.deploy.served import served
from tests.kafka.broker import KafkaBroker
from tests.stream.topics import Topics, publish, short_documents

pytestmark = [pytest.mark.deploy, pytest.mark.image]
MOST_BYTES = 450_000_000
NOBODY = "65532"
BUILD_TOOLS = ("pip", "pip3", "gcc", "cc", "g++", "c++", "ld", "make", "cmake", "cargo", "git")
SHELLS = ("sh", "bash", "dash", "busybox")
DOCUMENTS = 500


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    with built(tmp_path_factory.mktemp("image")) as found:
        yield found


@pytest.fixture
def release(kafka_with_tls: KafkaBroker, unique: Unique, image: Image, tmp_path: Path) -> Release:
    return Release(image, Topics.named(kafka_with_tls, unique), tmp_path)


def programs(image: Image) -> set[str]:
    places = (
        image.root / place for place in ("bin", "sbin", "usr/bin", "usr/sbin", "opt/onoma/bin")
    )
    return {path.name for place in places if place.is_dir() for path in place.iterdir()}


def test_the_image_is_small_and_holds_nothing_that_builds(image: Image) -> None:
    there = programs(image)

    assert image.size_bytes <= MOST_BYTES
    assert {"onoma", "python3"} <= there
    assert not there & {*BUILD_TOOLS, *SHELLS}
    packages = image.root / "opt/onoma/lib/python3.11/site-packages"
    present = {path.name for path in packages.iterdir()}
    assert "onoma" in present
    assert not present & {"pip", "setuptools", "hatchling", "torch", "confluent_kafka", "pytest"}


def test_the_image_gives_nobody_more_rights_and_keeps_nothing_of_its_build(image: Image) -> None:
    assert image.user == f"{NOBODY}:{NOBODY}"
    files = [path for path in image.root.rglob("*") if path.is_file() and not path.is_symlink()]
    assert not [path for path in files if path.stat().st_mode & 0o6000]
    assert not [path for path in files if path.name in ("pip.conf", ".netrc")]
    assert not list(image.root.glob("root/*"))


@pytest.mark.kafka
def test_a_release_makes_its_topics_and_reads_documents_with_no_rights_at_all(
    release: Release,
) -> None:
    code, told = release.run_topics_job()
    assert code == 0, told
    assert len(release.topics.broker.partitions(release.topics.documents)) == PARTITIONS

    with release.worker() as running:
        documents = short_documents(DOCUMENTS, partitions=PARTITIONS, seed=1)
        publish(release.topics.broker, release.topics.documents, documents)
        release.topics.wait_done()

        assert_without_rights(running)
        assert_nothing_can_be_written(running)
        memory = running.container.memory()
        assert memory.limit_bytes == bytes_of(running.rendered["resources"]["limits"]["memory"])
        assert memory.most_bytes < memory.limit_bytes
        assert memory.refusals == 0
        assert running.probe("livenessProbe") == running.probe("startupProbe") == 200
        assert running.stop() == 0, running.container.log
    assert len(release.topics.events(until=DOCUMENTS)) == DOCUMENTS


@pytest.mark.kafka
def test_a_model_that_an_init_container_fetched_is_the_one_that_is_served(
    kafka_with_tls: KafkaBroker, unique: Unique, image: Image, tmp_path: Path, archive: Values
) -> None:
    topics = Topics.create(kafka_with_tls, unique, partitions=PARTITIONS)
    more = {"topicsJob": {"enabled": False}, "model": {"source": "download", **archive}}

    with Release(image, topics, tmp_path / "release", more).worker() as running:
        publish(kafka_with_tls, topics.documents, short_documents(8, partitions=PARTITIONS, seed=2))
        topics.wait_done()
        listed = running.container.run("python3", "-c", LIST_MODEL)
        assert running.stop() == 0, running.container.log

    assert "manifest.json" in listed.stdout
    assert len(topics.events(until=8)) == 8


LIST_MODEL = "import os; print(os.listdir('/var/lib/onoma/model'))"
WRITE = """
import errno, pathlib, sys
for place in ("/", "/opt/onoma", "/etc/onoma", "/run/secrets/onoma", "/usr/lib", "/sys"):
    try:
        pathlib.Path(place, "written").write_text("x")
    except OSError as error:
        print(place, errno.errorcode[error.errno])
pathlib.Path("/tmp/written").write_text("x")
print("written")
"""


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Values]:
    """Serve the model that ships as an archive; give its address and sha256."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as opened:
        opened.add(default_directory(), arcname="bundle")
    directory = tmp_path / "served"
    directory.mkdir()
    (directory / "model.tar").write_bytes(buffer.getvalue())
    with served(directory) as address:
        digest = hashlib.sha256(buffer.getvalue()).hexdigest()
        yield {"url": f"{address}/model.tar", "sha256": digest}


def assert_without_rights(running: RunningWorker) -> None:
    status = running.container.status()
    for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[kind], 16) == 0
    assert set(status["Uid"].split()) == set(status["Gid"].split()) == {NOBODY}
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"


def assert_nothing_can_be_written(running: RunningWorker) -> None:
    tried = running.container.run("python3", "-c", WRITE)

    assert tried.returncode == 0, tried.stderr
    *refused, written = tried.stdout.splitlines()
    assert [line.split()[1] for line in refused] == ["EROFS"] * 6
    assert written == "written"
