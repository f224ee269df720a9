"""Types for annotations of user code."""
