"""Settings: one frozen tree, read once at start from YAML, environment and secret files.

Later sources win: YAML file, then files below the secrets directory, then environment
(`ONOMA_KAFKA__GROUP_ID` is `kafka.group_id`). Unknown knobs and contradictions are refused with the
names of the knobs. Durations are seconds, sizes bytes. Secrets never show in a repr, a log or an
error.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from onoma.errors import WrongUseError

SECRETS_DIRECTORY = Path("/run/secrets/onoma")
_PREFIX, _DELIMITER = "ONOMA_", "__"

SHORTEST_DEADLINE_SECONDS = 10
Port = int
Seconds = float


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Kafka(_Section):
    """The cluster, who we are there, and how long to wait for it."""

    bootstrap_servers: str = Field(
        "localhost:9092", description="Brokers to start from, host:port separated by commas."
    )
    cluster_name: str = Field(
        "default",
        min_length=1,
        description="Part of every event id. Change it when a topic is deleted and created anew: "
        "offsets then repeat, and only another name keeps the ids apart.",
    )
    group_id: str = Field("onoma", min_length=1, description="Consumer group.")
    group_instance_id: str | None = Field(
        None,
        description="Static membership: a name unique in the group, for example the pod's. A "
        "restart within "
        "session_timeout_seconds then moves no partition. Unset: dynamic membership.",
    )
    auto_offset_reset: Literal["earliest", "latest", "none"] = Field(
        "earliest",
        description="Where to start without a committed offset. `none` makes a lost offset an "
        "error, which is "
        "the better choice after the first deployment.",
    )
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="How to talk to the brokers."
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="How to prove who we are, with a SASL protocol."
    )
    sasl_username: str | None = Field(None, description="User, with a SASL protocol.")
    sasl_password: SecretStr | None = Field(
        None, description="Password, with a SASL protocol; give it as a secret file."
    )
    ssl_ca_file: Path | None = Field(
        None, description="PEM file of the authority that signed the brokers; unset: the system's."
    )
    ssl_certificate_file: Path | None = Field(
        None, description="PEM file of our certificate, for mutual TLS."
    )
    ssl_key_file: Path | None = Field(
        None, description="PEM file of our private key, for mutual TLS."
    )
    ssl_key_password: SecretStr | None = Field(None, description="Password of ssl_key_file.")
    ssl_check_hostname: bool = Field(
        True,
        description="Compare the broker's name with its certificate; switch off for tests only.",
    )
    compression: Literal["none", "gzip", "snappy", "lz4", "zstd"] = Field(
        "lz4", description="Compression of what we publish."
    )
    session_timeout_seconds: Seconds = Field(
        45, gt=0, description="Longest silence before the group takes our partitions away."
    )
    heartbeat_interval_seconds: Seconds = Field(
        3, gt=0, description="How often the group hears of us."
    )
    rebalance_timeout_seconds: Seconds = Field(
        120,
        gt=0,
        description="How long the group waits for a member that has to finish publishing.",
    )
    request_timeout_seconds: Seconds = Field(
        20,
        ge=2,
        description="Longest wait for one answer; then the connection is opened anew. Below "
        "kafka.session_timeout_seconds a connection that was cut off in silence costs no "
        "rebalance. Joins have kafka.rebalance_timeout_seconds and ten seconds.",
    )
    max_poll_interval_seconds: Seconds = Field(
        300, gt=0, description="Longest pause between two fetches before the group gives us up."
    )
    start_retry_seconds: Seconds = Field(
        60,
        ge=0,
        description="How long to try at start before an unreachable broker or a missing topic is "
        "an error. "
        "A worker that has once run waits for its broker without limit.",
    )

    @field_validator("bootstrap_servers")
    @classmethod
    def _check_servers(cls, servers: str) -> str:
        for server in servers.split(","):
            host, _, port = server.strip().rpartition(":")
            if not host or "/" in host or not port.isdigit():
                raise ValueError(
                    f"kafka.bootstrap_servers: found {server.strip()!r}, wanted host:port"
                )
        return servers

    @model_validator(mode="after")
    def _check(self) -> Self:
        sasl = self.security_protocol.startswith("SASL")
        _refuse(
            sasl and not (self.sasl_username and self.sasl_password),
            "kafka.security_protocol",
            self.security_protocol,
            "kafka.sasl_username and kafka.sasl_password both set",
        )
        _refuse(
            bool(self.ssl_certificate_file) != bool(self.ssl_key_file),
            "kafka.ssl_certificate_file",
            self.ssl_certificate_file,
            f"set together with kafka.ssl_key_file (found {self.ssl_key_file})",
        )
        _refuse(
            self.session_timeout_seconds < 3 * self.heartbeat_interval_seconds,
            "kafka.session_timeout_seconds",
            self.session_timeout_seconds,
            "at least three times kafka.heartbeat_interval_seconds "
            f"({self.heartbeat_interval_seconds})",
        )
        return self


class Topics(_Section):
    """Names of the topics."""

    documents: str = Field("documents.v1", min_length=1, description="Documents come from here.")
    entities: str = Field("entities.v1", min_length=1, description="Events go here.")
    alerts: str = Field(
        "alerts.v1",
        min_length=1,
        description="Alerts go here, with gazetteers.lists or store.path.",
    )
    dead_letters: str = Field(
        "dead-letters.v1", min_length=1, description="Rejected records go here, whole."
    )
    gazetteers: str = Field(
        "gazetteers.v1",
        min_length=1,
        description="Notices of watch lists come from here, with store.path; compacted, as "
        "topics.models.",
    )
    models: str = Field(
        "models.v1",
        min_length=1,
        description="Notices of models come from here, with store.path; compacted. Whoever may "
        "write to it chooses what is served, unless store.public_key_file is set.",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        names = self.model_dump().values()
        _refuse(
            len(set(names)) < len(names),
            "topics.documents",
            self.documents,
            f"different from topics.entities ({self.entities}), topics.alerts ({self.alerts}), "
            f"topics.dead_letters ({self.dead_letters}), topics.gazetteers ({self.gazetteers}) and "
            f"topics.models ({self.models}), and "
            "those from each other",
        )
        return self


class Delivery(_Section):
    """What is promised of the outputs, and how long publishing may take."""

    mode: Literal["exactly_once", "at_least_once"] = Field(
        "exactly_once",
        description="exactly_once: outputs and offsets in one Kafka transaction, for readers at "
        "read_committed. "
        "at_least_once: for brokers without transactions; a repeated event has the same event_id.",
    )
    publish_timeout_seconds: Seconds = Field(
        20, gt=0, description="Longest wait for one transaction before its lane is taken anew."
    )
    transaction_timeout_seconds: Seconds = Field(
        30,
        gt=0,
        description="After this the broker gives up a transaction of a worker that died; until "
        "then it holds "
        "back readers at read_committed.",
    )
    outputs_per_transaction: int = Field(
        500, ge=1, description="Most records that one transaction carries."
    )

    max_wait_seconds: Seconds = Field(
        0.1,
        ge=0,
        description="How long a finished document waits, while others of its partition are being "
        "read, to be published together with them: a transaction costs alike for few and many. On "
        "an idle topic nothing waits. 0 publishes each as soon as it is finished.",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        _refuse(
            self.transaction_timeout_seconds <= self.publish_timeout_seconds,
            "delivery.transaction_timeout_seconds",
            self.transaction_timeout_seconds,
            f"above delivery.publish_timeout_seconds ({self.publish_timeout_seconds})",
        )
        return self


class DeadLetters(_Section):
    """When so many rejections say that the deployment is wrong, not the documents."""

    window_documents: int = Field(1000, ge=1, description="Documents that are looked back on.")
    minimum_documents: int = Field(100, ge=1, description="Below this number no share is judged.")
    maximum_share: float = Field(
        0.5,
        gt=0,
        le=1,
        description="Above this share of rejections the worker stops; 1 switches it off.",
    )
    maximum_in_a_row: int = Field(
        100,
        ge=0,
        description="After this many rejections in a row the worker stops; 0 switches it off.",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        _refuse(
            self.minimum_documents > self.window_documents,
            "dead_letters.minimum_documents",
            self.minimum_documents,
            f"at most dead_letters.window_documents ({self.window_documents})",
        )
        return self


class Model(_Section):
    """What finds the names."""

    path: Path | None = Field(
        None, description="Directory of a model bundle; unset: the shipped one."
    )
    allow_ungated: bool = Field(
        False,
        description="Serve a bundle that `onoma model gate` has not passed. For benchmarks only: "
        'start-up warns, and each event says `"gate": "none"`.',
    )


class Store(_Section):
    """Where announced versions of models and lists lie; workers only read it."""

    path: Path | None = Field(
        None,
        description="Directory, usually on a volume that all workers share, with every version "
        "that was announced. Set: a worker serves what topics.models announced last, model.path "
        "until then, and of each list what topics.gazetteers announced last, gazetteers.lists "
        "until then. Unset: it serves model.path and gazetteers.lists and follows no notices.",
    )
    wait_seconds: Seconds = Field(
        60,
        ge=0,
        description="How long what a notice names may take to show up in store.path: a notice can "
        "be faster than a shared volume. After that it is refused; 0 waits for nothing.",
    )
    public_key_file: Path | None = Field(
        None,
        description="PEM file with the Ed25519 public key, or several while keys change, of those "
        "who may announce. Set: a notice that none of them signed is refused. Unset: whoever may "
        "write to topics.models and topics.gazetteers may announce.",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        _refuse(
            self.public_key_file is not None and self.path is None,
            "store.public_key_file",
            self.public_key_file,
            "store.path set too: without it no notice is followed",
        )
        return self


class PolicyFile(_Section):
    """What decides about a document."""

    path: Path | None = Field(
        None, description="JSON file of a policy.v1; unset: the built-in one."
    )


class Gazetteers(_Section):
    """What the names are screened against."""

    lists: tuple[Path, ...] = Field(
        (),
        description="Directories of watch lists and of lists of exclusions, as `onoma gazetteer` "
        "builds them; a change on top of a list stands for both. Each is served under its own "
        "name. The policy has the rules of each list. Empty: documents are not screened.",
    )


class Canary(_Section):
    """What `onoma canary run` sends through the topics, and what it watches; workers read none of
    it.
    """

    path: Path | None = Field(
        None,
        description="JSON file of the texts, the names to find in them and the entries to hit; "
        "unset: the shipped one, for the shipped model. The policy needs their hashes.",
    )
    interval_seconds: Seconds = Field(
        20,
        ge=1,
        description="Between two rounds; in each every partition gets one text. The alert about a "
        "silent partition allows 60: stay well below.",
    )
    lost_seconds: Seconds = Field(
        600, ge=10, description="How long a canary's event may take before it counts as lost."
    )
    lists: tuple[str, ...] = Field(
        (),
        description="Names of lists that each canary has to be compared with. Where the file has "
        "entries of one of them, they have to be alerted. Empty: screening is not watched.",
    )
    tenant: str | None = Field(
        None,
        min_length=1,
        max_length=256,
        description="Tenant of the canaries; unset: none, so that the policy's default is watched.",
    )


class Processing(_Section):
    """How the processor is used."""

    threads: int = Field(
        0, ge=0, le=256, description="Inference threads; 0: as many as the processors we may use."
    )
    units_per_call: int = Field(
        1024,
        ge=600,
        description="Words and punctuation marks in one model call, context and separators "
        "counted; larger "
        "calls fall out of the processor's cache. A window alone has up to 521.",
    )
    documents_in_flight: int = Field(
        64, ge=1, description="Documents of one partition between fetch and commit."
    )
    bytes_in_flight: int = Field(
        16 * 1024**2, ge=1, description="Bytes of one partition's records between fetch and commit."
    )


class Quarantine(_Section):
    """What becomes of a document that kills or hangs its worker."""

    enabled: bool = Field(
        True,
        description="Note in the offsets' metadata at which document a worker died. After one "
        "death the next documents are read one at a time; after two the document is tried alone "
        "in a process with the limits below, and goes to the dead letters if that dies too. "
        "false: such a document stops its partition until somebody moves the offset.",
    )
    seconds: Seconds = Field(
        900,
        gt=0,
        description="Longest that a document may take alone, after which it is `too_slow`; the "
        "one outcome that a clock decides. 4 MiB of prose take 13 s of a core with the shipped "
        "model and seven minutes with a base-size XLM-R, whose limit this is twice over.",
    )
    memory_bytes: int = Field(
        3 * 1024**3,
        ge=64 * 1024**2,
        description="Memory that a document may take alone, beside the model. Above it, it is "
        "`killed_worker`. 4 MiB of prose take 0.45 GB, a document of the policy's most units 1.1.",
    )


class Server(_Section):
    """Where metrics and health are served, on a thread of their own."""

    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 in a container.")
    port: Port = Field(
        9108, ge=0, le=65535, description="Port of /metrics, /livez, /readyz, /startupz."
    )


class Watchdog(_Section):
    """When a worker that hangs is ended with exit code 75, to be started again.

    What needs the broker is judged only while a connection of the watchdog's own is answered, and
    from then on: an outage of any length ends no worker.
    """

    enabled: bool = Field(
        True,
        description="Watch at all; false switches it off, and leaves onoma_stage_running_seconds "
        "at 0.",
    )
    loop_seconds: Seconds = Field(
        60, ge=0, description="Longest silence of the event loop; 0 does not watch it."
    )
    call_seconds: Seconds = Field(
        180,
        ge=0,
        description="Longest model call, or other step on an inference thread: above what the "
        "slowest model takes for processing.units_per_call, or for a document of the policy's "
        "largest size. 0 does not watch it.",
    )
    load_seconds: Seconds = Field(
        900,
        ge=0,
        description="Longest load of an announced version from the store. 0 does not watch it.",
    )
    fetch_seconds: Seconds = Field(
        120,
        ge=0,
        description="Longest time without a record for a partition that has some to give and room "
        "for them. 0 does not watch it.",
    )
    publish_seconds: Seconds | None = Field(
        None,
        ge=0,
        description="Longest single publication, or attempt to take a partition anew after one "
        "that failed; delivery.publish_timeout_seconds should have ended it. Unset: 80 above twice "
        "that, for the publication and its abort. 0 does not watch it.",
    )
    rebalance_seconds: Seconds | None = Field(
        None,
        ge=0,
        description="Longest wait for partitions: from joining the group, or from the begin of a "
        "rebalance, to the assignment; and longest time to give them back. Unset: 135 above "
        "kafka.rebalance_timeout_seconds and kafka.session_timeout_seconds together. 0 does not "
        "watch it.",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        for name in type(self).model_fields:
            seconds = getattr(self, name)
            _refuse(
                name != "enabled" and 0 < (seconds or 0) < SHORTEST_DEADLINE_SECONDS,
                f"watchdog.{name}",
                seconds,
                f"0, or at least {SHORTEST_DEADLINE_SECONDS}: an outage is not seen at once",
            )
        return self


class Shutdown(_Section):
    """How the worker ends."""

    drain_seconds: Seconds = Field(
        25,
        gt=0,
        description="After SIGTERM: time to finish and publish what was fetched. The rest stays "
        "uncommitted and "
        "is read again.",
    )


FaultPoint = Literal[
    "after_sends",
    "after_offsets",
    "in_commit",
    "after_commit",
    "before_next_read",
    "in_revocation",
    "in_assignment",
]


class Faults(_Section):
    """Deaths on purpose, for fault tests only; never set this where documents matter."""

    die_at: FaultPoint | None = Field(
        None,
        description="Where the worker kills itself as by kill -9: outputs acknowledged; offsets "
        "in the transaction too, the last moment before its commit (exactly_once only); commit "
        "asked for and not answered; committed and not noted; before the read after a commit; "
        "partitions given back or taken, inside the group's callback. Unset: nowhere. Start-up "
        "warns.",
    )
    die_at_pass: int = Field(1, ge=1, description="At which pass of that point, from 1.")


class Logs(_Section):
    """What is written to standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="Lowest level.")
    format: Literal["json", "console"] = Field(
        "json", description="One JSON object a line, or for eyes."
    )


class Settings(BaseSettings):
    """All settings of a worker."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix=_PREFIX,
        env_nested_delimiter=_DELIMITER,
        nested_model_default_partial_update=True,
    )

    kafka: Kafka = Field(default_factory=Kafka)
    topics: Topics = Field(default_factory=Topics)
    delivery: Delivery = Field(default_factory=Delivery)
    dead_letters: DeadLetters = Field(default_factory=DeadLetters)
    model: Model = Field(default_factory=Model)
    store: Store = Field(default_factory=Store)
    policy: PolicyFile = Field(default_factory=PolicyFile)
    gazetteers: Gazetteers = Field(default_factory=Gazetteers)
    canary: Canary = Field(default_factory=Canary)
    processing: Processing = Field(default_factory=Processing)
    quarantine: Quarantine = Field(default_factory=Quarantine)
    server: Server = Field(default_factory=Server)
    watchdog: Watchdog = Field(default_factory=Watchdog)
    shutdown: Shutdown = Field(default_factory=Shutdown)
    faults: Faults = Field(default_factory=Faults)
    logs: Logs = Field(default_factory=Logs)

    @model_validator(mode="after")
    def _check(self) -> Self:
        # Ten seconds: for the abort of a publication that failed, and for stopping its producer.
        _refuse(
            self.kafka.rebalance_timeout_seconds < self.delivery.publish_timeout_seconds + 10,
            "kafka.rebalance_timeout_seconds",
            self.kafka.rebalance_timeout_seconds,
            "at least 10 above delivery.publish_timeout_seconds "
            f"({self.delivery.publish_timeout_seconds})",
        )
        _refuse(
            bool(self.canary.lists and not self.gazetteers.lists and not self.store.path),
            "canary.lists",
            ", ".join(self.canary.lists),
            "gazetteers.lists or store.path set too: without them nothing is screened",
        )
        self._check_watchdog()
        return self

    def _check_watchdog(self) -> None:
        """Refuse deadlines that work in good order would overrun."""
        watchdog, kafka, delivery = self.watchdog, self.kafka, self.delivery
        _refuse(
            0 < (watchdog.publish_seconds or 0) < 2 * delivery.publish_timeout_seconds + 10,
            "watchdog.publish_seconds",
            watchdog.publish_seconds,
            "0, or 10 above twice delivery.publish_timeout_seconds "
            f"({delivery.publish_timeout_seconds}): a publication, and its abort",
        )
        _refuse(
            0
            < (watchdog.rebalance_seconds or 0)
            < kafka.rebalance_timeout_seconds + kafka.session_timeout_seconds,
            "watchdog.rebalance_seconds",
            watchdog.rebalance_seconds,
            f"0, or at least kafka.rebalance_timeout_seconds ({kafka.rebalance_timeout_seconds}) "
            f"and kafka.session_timeout_seconds ({kafka.session_timeout_seconds}) together",
        )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment win over what `load` read from files."""
        return env_settings, init_settings


def load(config: Path | None, *, secrets: Path = SECRETS_DIRECTORY) -> Settings:
    """Return the settings from the YAML file `config`, the `secrets` directory and the environment.

    Raises WrongUseError with one line per knob: what was found, what was wanted.
    """
    values = _read_yaml(config) if config else {}
    _add_secrets(values, secrets)
    _refuse_unknown_variables()
    try:
        return Settings(**values)
    except ValidationError as error:
        lines = [_line(problem) for problem in error.errors(include_url=False)]
        where = str(config) if config else "settings"
        raise WrongUseError("\n".join(f"{where}: {line}" for line in lines)) from None
    except SettingsError as error:
        # Its own message may not quote the value, and neither may ours.
        raise WrongUseError(f"environment: {error}; wanted JSON, or one variable a knob") from None


def _refuse_unknown_variables() -> None:
    """Refuse a variable that would be no section's.

    One without the delimiter is left alone: Kubernetes makes ONOMA_SERVICE_HOST for a service.
    """
    for name in sorted(os.environ):
        section, delimiter, _ = name.upper().removeprefix(_PREFIX).partition(_DELIMITER)
        ours = name.upper().startswith(_PREFIX) and delimiter
        if ours and section.lower() not in Settings.model_fields:
            raise WrongUseError(f"environment: {name}: there is no such setting")


def _add_secrets(values: dict[str, Any], directory: Path) -> None:
    """Put the secret files into `values`: a file `kafka__sasl_password` is that knob.

    Names that open with a dot are Kubernetes' own, and no settings.
    """
    if not directory.is_dir():
        return
    for path in sorted(directory.iterdir()):
        section, delimiter, knob = path.name.partition("__")
        if path.name.startswith(".") or not delimiter:
            continue
        inner = values.setdefault(section, {})
        if isinstance(inner, dict):
            inner[knob] = _read_secret(path)


def _read_secret(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        raise WrongUseError(f"{path}: is not UTF-8 text") from None
    except OSError as error:
        raise WrongUseError(f"{path}: can't be read: {error.strerror}") from error


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise WrongUseError(f"{path}: can't be read: {error.strerror}") from error
    except yaml.MarkedYAMLError as error:
        # Its own message quotes the line, and a password may stand there.
        mark = error.problem_mark or error.context_mark
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise WrongUseError(
            f"{path}: is not YAML{where}; quote values that hold other signs than letters and "
            "digits"
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise WrongUseError(f"{path}: is not YAML in UTF-8: {type(error).__name__}") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise WrongUseError(
            f"{path}: found {type(values).__name__}, wanted sections such as kafka:"
        )
    return values


def _line(problem: Any) -> str:
    """Return one problem of pydantic as one line that names the knob and never quotes a secret."""
    knob = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"{knob}: there is no such setting"
    if problem["type"] == "value_error" and "error" in problem.get("ctx", {}):
        return str(problem["ctx"]["error"])
    return f"{knob}: found {_shown(knob, problem['input'])}: {problem['msg']}"


def _shown(knob: str, found: object) -> str:
    """Return what was found, but for what is secret or may hold something that is."""
    if found is None or (isinstance(found, str | int | float) and "." in knob):
        return "a value" if "password" in knob else repr(found)
    return f"a {type(found).__name__}"


def _refuse(contradiction: bool, knob: str, found: object, wanted: str) -> None:
    if contradiction:
        raise ValueError(f"{knob}: found {found}, wanted {wanted}")
