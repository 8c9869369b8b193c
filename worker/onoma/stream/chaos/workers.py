"""Workers that were started here to be hurt: real ones, as processes, and none but these.

They read the user's settings file; what differs goes into their environment, which wins over it, so
that no secret is written anywhere. Their rule: none outlives the run, and no process is signalled
that was not started here.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from onoma.errors import FatalError
from onoma.stream.chaos.plan import Step
from onoma.stream.demo_worker import STOP_SECONDS, end_with_parent, last_lines

FAILURES = 5
"""Workers that may fail by themselves before the deployment is what is wrong."""


@dataclass(slots=True)
class Crew:
    """Workers by number, each started again when it ends; `failed` counts exit codes that nobody
    asked for.
    """

    config: Path | None
    directory: Path
    environments: Sequence[Mapping[str, str]]
    failed: Counter[int] = field(default_factory=Counter)
    _processes: dict[int, asyncio.subprocess.Process] = field(default_factory=dict)

    async def start(self) -> None:
        """Start all."""
        for number in range(len(self.environments)):
            await self._start(number)

    async def run_for(self, seconds: float) -> None:
        """Wait, and start again who ended meanwhile. Raises FatalError when that happens often."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while (left := deadline - loop.time()) > 0:
            await self._restart_ended()
            await asyncio.sleep(min(left, 0.1))

    async def suffer(self, step: Step) -> None:
        """Do to a worker what the plan says."""
        process = self._processes[step.target]
        if process.returncode is not None:
            return
        if step.fault == "freeze":
            process.send_signal(signal.SIGSTOP)
            try:
                await self.run_for(step.lasts_seconds)
            finally:
                process.send_signal(signal.SIGCONT)
            return
        await _ended(process, at_once=step.fault == "kill")
        await self._start(step.target)

    async def end(self) -> None:
        """Stop all, in good order where that works."""
        await asyncio.gather(
            *(_ended(process, at_once=False) for process in self._processes.values())
        )

    def last_lines(self) -> str:
        """Return the ends of the logs."""
        logs = sorted(self.directory.glob("worker-*.log"))
        return "\n".join(f"{log.name}:\n{last_lines(log)}" for log in logs)

    async def _restart_ended(self) -> None:
        for number, process in list(self._processes.items()):
            if process.returncode is None:
                continue
            self.failed[process.returncode] += 1
            if self.failed.total() > FAILURES:
                raise FatalError(
                    f"workers failed {self.failed.total()} times by themselves, last with exit "
                    f"code {process.returncode}; their last lines:\n{self.last_lines()}"
                )
            await self._start(number)

    async def _start(self, number: int) -> None:
        config = ("--config", str(self.config)) if self.config else ()
        with (self.directory / f"worker-{number}.log").open("ab") as log:
            self._processes[number] = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "onoma", "run", *config),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **self.environments[number]},
                # Ctrl-C in the terminal is for us, who then stop the workers in order.
                start_new_session=True,
                preexec_fn=end_with_parent(),
            )


@asynccontextmanager
async def crew(
    config: Path | None, directory: Path, environments: Sequence[Mapping[str, str]]
) -> AsyncIterator[Crew]:
    """Start a crew; it ends with this."""
    members = Crew(config, directory, environments)
    try:
        await members.start()
        yield members
    finally:
        await members.end()


async def _ended(process: asyncio.subprocess.Process, *, at_once: bool) -> None:
    """End a process by SIGKILL, or by SIGTERM first."""
    if process.returncode is None and not at_once:
        process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            pass
    if process.returncode is None:
        process.kill()
        await process.wait()
