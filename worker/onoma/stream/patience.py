"""Gives joins of the group more time than all other requests.

aiokafka has one limit for every answer. A broker holds joins as long as a rebalance takes, minutes,
and so long would it wait for any answer on a connection that a firewall or a dead host swallows:
nothing is fetched, heartbeats are missed. Here all but joins and syncs have the shorter limit of
`kafka.request_timeout_seconds`; then the connection is opened anew, before the session is over.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, ClassVar

from aiokafka import conn
from aiokafka.conn import AIOKafkaConnection
from aiokafka.protocol.group import JoinGroupRequest, SyncGroupRequest

HEADROOM_SECONDS = 10.0
"""Beyond the rebalance that the broker waits for."""


def be_patient_with_joins(rebalance_seconds: float) -> None:
    """Let every connection of this process wait for joins as long as a rebalance takes."""
    PatientConnection.join_seconds = rebalance_seconds + HEADROOM_SECONDS
    conn.AIOKafkaConnection = PatientConnection


class PatientConnection(AIOKafkaConnection):
    """A connection with two limits; in place of aiokafka's own class."""

    join_seconds: ClassVar[float]
    _request_timeout: float

    def send(self, request: Any, expect_response: bool = True) -> Awaitable[Any]:
        """Send a request; what is returned raises TimeoutError when its limit is over."""
        usual = self._request_timeout
        if isinstance(request, (JoinGroupRequest, SyncGroupRequest)):
            self._request_timeout = max(usual, self.join_seconds)
        try:
            # Takes the limit when it is called, not when it is awaited.
            answer: Awaitable[Any] = super().send(request, expect_response)
        finally:
            self._request_timeout = usual
        return answer
