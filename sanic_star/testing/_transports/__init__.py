"""How a client reaches an application: in process, or over a socket."""
