"""What the state of an application is told in."""
