"""Worker processes: `loader` finds the application in one, `multiplexer` is what the application sees of it."""
