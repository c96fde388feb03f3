"""The steps of a night: each reads tables, calls one transform, writes one commit, and can be run again."""
