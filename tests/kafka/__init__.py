"""A real Apache Kafka for the tests: one KRaft node on loopback, started and ended by them."""
