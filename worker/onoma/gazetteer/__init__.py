"""Watch lists: entries and their names, kept in immutable segments, and matched with mentions.

`entries.py` is what a list says, `readers/` how published lists say it, `segment.py` how it lies on
disk, `chain.py` what a segment and the changes after it say together, `exclusions.py` which hits
people have judged to be none. All is pure but `directories.py`, the only module that opens files.
"""
