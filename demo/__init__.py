"""The tap at work: usernames in, both providers read, a DuckDB file to look at.

Run by `make demo`.
"""
