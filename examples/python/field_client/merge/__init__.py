"""The merge rules of a field as pure functions: registers, particles, dynamics, and the fold of a log.

A client needs them to show its own edits before the server has applied them. They give the same numbers as the server
does, to the last digit, so that only operations are used whose result is exactly specified.
"""
