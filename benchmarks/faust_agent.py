"""A plain Faust agent around a pipeline, as somebody would write it in an afternoon.

    PEER="Hugging Face fp32" MODEL=… BROKER=… python -m benchmarks.faust_agent worker -l warn

Started by `benchmarks.agents` in the environment of bench.txt. What it loses when something fails
is not the question here, only how fast it is.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import faust
from faust.types import StreamT

from benchmarks.peer_subjects import SUBJECTS

reads = SUBJECTS[os.environ["PEER"]](Path(os.environ["MODEL"]))
app = faust.App(
    os.environ["GROUP"],
    broker=f"kafka://{os.environ['BROKER']}",
    value_serializer="raw",
    topic_allow_declare=False,
    topic_disable_leader=True,
    web_enabled=False,
    # It is stopped while Onoma is measured, and keeps its place in the group.
    broker_session_timeout=600.0,
    broker_request_timeout=700.0,
    datadir=os.environ["DIRECTORY"],
)
documents = app.topic(os.environ["DOCUMENTS"])
entities = app.topic(os.environ["ENTITIES"])


@app.agent(documents)
async def annotate(stream: StreamT[bytes]) -> None:
    """Read each document and send its event."""
    async for value in stream:
        document = json.loads(value)
        found = reads(document["text"])
        event = {"document_id": document["document_id"], "entities": found}
        await entities.send(key=document["document_id"], value=json.dumps(event).encode())


if __name__ == "__main__":
    app.main()
