"""Faults on a real Kafka: seeded plans, played on real workers, every input offset accounted for.

`python -m tests.faults.run` plays and records; docs/reliability.md is made from the records.
"""
