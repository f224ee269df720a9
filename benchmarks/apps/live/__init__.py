"""Applications of part `live`: an echo over a websocket, many chunks, an event stream that waits."""

# What a websocket echoes, and a chunk: of 1 kB.
CHUNK = b"x" * 1024
CHUNKS = 10_000
EVENT = "hello"
