"""The websocket that handlers get."""
