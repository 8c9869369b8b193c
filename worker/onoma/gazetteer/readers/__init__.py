"""Readers of published lists, one module for each format; the table of them is `FORMATS`.

A reader takes opened sources and gives what it finds, with its place. The rules: what a list says
is taken word for word; a source that is broken is refused with the line; a record or a name that is
left out is noted with its reason and its place. `checking.py` makes entries of what was found.
"""
