"""Tests of the example applications: real servers in processes of their own, driven over sockets."""
