"""Parameter groups by depth, and the two optimisers that move them.

Used by `loop.py`. The rule: every parameter lies in exactly one group, and the rate of a group is
the loop's rate times `depth_decay` to the power of its distance from the top, so that transfer can
move a pre-trained bottom less than a new head, or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from onoma.training.recipes import Schedule


@dataclass(frozen=True, slots=True)
class Group:
    """Parameters by name that share a rate: `below_top` layers under the top, which is 0.

    `sparse` ones are tables, of which a batch touches a few rows. Biases and norms have no `decay`.
    """

    parameters: tuple[tuple[str, nn.Parameter], ...]
    below_top: int = 0
    sparse: bool = False
    decay: bool = True


class Optimisers:
    """AdamW for the network, Adagrad for its tables.

    The tables hold 5/6 of the numbers, and a batch touches a few hundred rows of each. AdamW needs
    a gradient for all of them and took 24 ms a step where Adagrad takes 2.4, of about 90 in all. It
    moves the touched rows only and gives a rare word a full step when it comes. Its rate was chosen
    after 80 seconds of training each at .05, .2, .5 and 1.2; the loss was lowest at .5.
    """

    def __init__(self, groups: Sequence[Group], schedule: Schedule) -> None:
        # Adagrad makes sparse tensors of valid ones; torch warns until told whether to check them.
        torch.sparse.check_sparse_tensor_invariants.disable()
        self._clip = schedule.clip
        self._named: list[tuple[str, nn.Parameter]] = []
        self._optimisers: list[torch.optim.Optimizer] = []
        table_factor = schedule.table_learning_rate / schedule.learning_rate
        for sparse, factor in ((False, 1.0), (True, table_factor)):
            settings = [
                {
                    "params": [parameter for _, parameter in group.parameters],
                    "factor": factor * schedule.depth_decay**group.below_top,
                    "weight_decay": schedule.weight_decay if group.decay and not sparse else 0.0,
                }
                for group in groups
                if group.sparse == sparse and group.parameters
            ]
            if settings:
                kind = torch.optim.Adagrad if sparse else torch.optim.AdamW
                more = {} if sparse else {"fused": True}
                self._optimisers.append(kind(settings, schedule.learning_rate, **more))
        self._named = [named for group in groups for named in group.parameters]
        self._clipped = [p for g in groups if not g.sparse for _, p in g.parameters]

    def step(self, rate: float) -> None:
        """Apply the gradients with the learning rate `rate` and clear them."""
        # Adagrad does not see the scale of a gradient, so only the dense part needs the clip.
        nn.utils.clip_grad_norm_(self._clipped, self._clip)
        for optimiser in self._optimisers:
            for settings in optimiser.param_groups:
                settings["lr"] = rate * settings["factor"]
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)

    def state(self) -> dict[str, Tensor]:
        """Return what the optimisers remember, by parameter and kind."""
        return {
            f"{name}|{kind}": torch.as_tensor(value)
            for name, parameter in self._named
            for optimiser in self._optimisers
            for kind, value in optimiser.state.get(parameter, {}).items()
        }

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Put back what `state` returned."""
        owners = {
            parameter: optimiser
            for optimiser in self._optimisers
            for settings in optimiser.param_groups
            for parameter in settings["params"]
        }
        parameters = dict(self._named)
        for key, value in state.items():
            name, bar, kind = key.rpartition("|")
            if bar:
                parameter = parameters[name]
                owners[parameter].state[parameter][kind] = value.clone()
