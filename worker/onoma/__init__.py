"""Onoma: names found in documents from Kafka, with proof of what was read and by which model."""

__version__ = "0.1.0"
