"""The server's side of ASGI, in process: its lifespan, the conversations of requests and websockets, the event loop."""
