"""The contracts: records, schemas and examples held against one another."""
