"""Says in which precision products are computed in training.

bfloat16 more than halves their time where the processor has instructions for it; where it has
none each product is emulated and takes many times as long as in float32 (measured with AVX2
alone: 1 against 83 GFLOP/s). So the processor decides, and weights are float32 everywhere.
"""

from __future__ import annotations

from functools import cache

import torch


@cache
def has_bfloat16() -> bool:
    """Say whether this processor multiplies bfloat16 numbers in hardware."""
    capabilities = torch.cpu.get_capabilities()
    return any(there for name, there in capabilities.items() if "bf16" in name)


def products(*, bfloat16: bool = True) -> torch.autocast:
    """Return the context in which a forward pass runs: bfloat16 if wanted and in hardware."""
    return torch.autocast("cpu", torch.bfloat16, enabled=bfloat16 and has_bfloat16())
