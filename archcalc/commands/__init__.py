"""The commands: one file each, found by its name and imported when it is called.

A module defines a click command under its own name.  It turns options into one call and the result into
an exit code; it computes nothing.
"""
