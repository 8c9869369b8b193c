"""How good a model is: annotated sentences, spans, scores. Pure: whoever calls opens the files."""
