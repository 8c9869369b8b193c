"""Runs the command line: `python -m onoma` is the program `onoma`."""

from __future__ import annotations

from onoma.cli import main

if __name__ == "__main__":
    main()
