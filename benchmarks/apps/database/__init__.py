"""The scene `database`, for each contender: the six tests of TechEmpower's benchmark, written anew.

Each module has `make(url)`, which returns a new application whose store is at that address. The queries are in `store`,
one for all, so that what differs is the framework.
"""
