"""From units to entities: features, the model call, the best path, spans with confidence."""
