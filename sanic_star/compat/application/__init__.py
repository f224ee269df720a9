"""The state of an application, its constants, and the message at its start (`motd`)."""
