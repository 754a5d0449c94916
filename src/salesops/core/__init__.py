"""Money, periods, business time, dated facts, traces and results: pure values and functions.

Nothing here knows Django, a file, a database or the clock. See README.md of this room.
"""
