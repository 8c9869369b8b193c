"""What crosses a topic: one module per contract, each mirrored by a JSON Schema in schemas/."""
