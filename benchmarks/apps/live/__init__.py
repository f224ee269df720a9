"""Applications of part `live`: an echo over a websocket, many chunks, an event stream that waits."""

# The message that a websocket echoes, and one chunk of a stream: 1 kB.
CHUNK = b"x" * 1024
CHUNKS = 10_000
EVENT = "hello"
