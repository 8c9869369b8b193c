"""Values that the chart has to take: the files of ci/, and combinations of what they leave out."""

from __future__ import annotations

from pathlib import Path

from tests.deploy.chart import LEAST, Values, ci_files, values_of, with_values

HASH = "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"
ARCHIVE = "https://artefacts.example.com/model.tar.gz"
KEYS = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6=\n-----END PUBLIC KEY-----\n"

DEPLOYMENT: Values = {"workload": {"kind": "Deployment", "membership": "dynamic"}}
SASL: Values = {
    "settings": {"kafka": {"security_protocol": "SASL_SSL"}},
    "sasl": {"existingSecret": "user"},
}
PLAIN_SASL: Values = {
    "settings": {"kafka": {"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "PLAIN"}},
    "sasl": {"existingSecret": "user"},
}
MUTUAL: Values = {
    "settings": {"kafka": {"security_protocol": "SSL"}},
    "tls": {"existingSecret": "own", "clientCertificate": True, "keyPasswordKey": "password"},
}
KEDA: Values = {"partitions": 4, "autoscaling": {"kind": "keda"}}
HPA: Values = {"partitions": 4, "autoscaling": {"kind": "hpa"}}
TOPICS: Values = {"partitions": 4, "topicsJob": {"enabled": True}}
STORE: Values = {"store": {"enabled": True, "publicKeys": KEYS}}
DOWNLOAD: Values = {"model": {"source": "download", "url": ARCHIVE, "sha256": HASH}}
CLAIM: Values = {"model": {"source": "claim", "claim": "models"}}
BAKED: Values = {"model": {"source": "image", "path": "/opt/models/base"}}
LISTS: Values = {"lists": [{"name": "own", "source": "claim", "claim": "lists", "path": "a/b"}]}
SCRAPED: Values = {"podMonitor": {"enabled": True}}
ALONE: Values = {"workload": {"replicas": 1}, "partitions": 1}
OPEN: Values = {"networkPolicy": {"enabled": False}, "serviceAccount": {"create": False}}
QUIET: Values = {"settings": {"logs": {"level": "error", "format": "console"}}}

CANARY: Values = {
    "canary": {"enabled": True},
    "policy": {"name": "p", "version": "1", "canaries": [HASH]},
}

COMBINATIONS: dict[str, tuple[Values, ...]] = {
    "deployment on the lag": (DEPLOYMENT, KEDA),
    "deployment on the lag with SASL": (DEPLOYMENT, KEDA, SASL),
    "deployment on the processor": (DEPLOYMENT, HPA),
    "deployment with a download": (DEPLOYMENT, DOWNLOAD, LISTS),
    "dynamic StatefulSet": ({"workload": {"membership": "dynamic"}},),
    "lag, SASL without encryption": (KEDA, PLAIN_SASL),
    "lag, mutual TLS": (KEDA, MUTUAL),
    "lag, system's authorities": (KEDA, SASL),
    "lag, from now on": (KEDA, {"settings": {"kafka": {"auto_offset_reset": "latest"}}}),
    "processor, mutual TLS, topics": (HPA, MUTUAL, TOPICS),
    "topics with SASL": (TOPICS, SASL),
    "topics with all mounts": (TOPICS, SASL, STORE, DOWNLOAD, LISTS),
    "store of one's own": (STORE, {"store": {"existingClaim": "shared"}}),
    "store beside a claim": (STORE, CLAIM, LISTS),
    "store without keys": ({"store": {"enabled": True}},),
    "model of the image": (BAKED, SCRAPED),
    "claim and lists, scraped": (CLAIM, LISTS, SCRAPED),
    "one worker": (ALONE, QUIET),
    "no network policy, no account": (OPEN, DOWNLOAD),
    "stopped": ({"workload": {"replicas": 0}},),
    "canary beside a deployment with SASL": (DEPLOYMENT, KEDA, SASL, CANARY),
    "canary with mutual TLS": (MUTUAL, CANARY, SCRAPED),
    "everything that can be together": (
        *(KEDA, SASL, TOPICS, STORE, DOWNLOAD, LISTS, SCRAPED),
        CANARY,
    ),
    "long names": ({"fullnameOverride": "a" * 60, "nameOverride": "b" * 60}, TOPICS, STORE),
}


def shapes() -> dict[str, Values]:
    """Return all values that the chart has to take, by name."""
    found = {path.name: values_of(Path(path)) for path in ci_files()}
    for name, parts in COMBINATIONS.items():
        values = LEAST
        for part in parts:
            values = with_values(values, part)
        found[name] = values
    return found
