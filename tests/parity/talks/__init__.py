"""Conversations over websockets: one application with all handlers, and each conversation against each server."""
