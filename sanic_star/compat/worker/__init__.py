"""Loading applications in other processes; see `loader`."""
