"""The alias: `import sanic` imports this package, in this process and in processes that it spawns."""
