"""Tests of the example applications: real servers in their own processes, used over sockets."""
