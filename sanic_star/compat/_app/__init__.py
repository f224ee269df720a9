"""The parts of an application: the registered items, and their assembly when the application is finalised."""
