"""The websocket class of handlers, and its parts."""
