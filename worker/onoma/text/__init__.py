"""The text as it was received: units, offsets, scripts. Nothing here changes or normalises it."""
