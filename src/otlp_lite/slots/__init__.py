"""Regions in files of a directory, which outlive their processes: who has which, and what the dead have left.

A directory holds for each number N

    slot-N.region    a region: made as slot-N.tmp, whose blocks are reserved, and renamed
    slot-N.lock      locked by who has that region, and saying who that is; never removed
    slot-N.T.aside   a region that no process can go on with, for `recover`

Loaded only where a directory is set.
"""
