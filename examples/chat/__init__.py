"""Chat rooms: the hub, websockets, and server-sent events where a websocket does not get through."""
