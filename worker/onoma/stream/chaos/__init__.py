"""Faults on purpose, and the proof that they cost nothing: what `onoma chaos` plays.

`plan` draws the faults of a seed, `workers` starts and hurts workers of its own, `account` compares
every input offset with what a reader found, `figures` says how long nothing moved, `report` writes
it down, `play` puts them together on a user's cluster. The first, `account`, `figures` and `report`
are pure; the project's own fault tests play other faults and use them too. The rule: nothing is
touched that was not started or made here.
"""
