"""One file per question; each prints ratios measured side by side and keeps its result as JSON."""
