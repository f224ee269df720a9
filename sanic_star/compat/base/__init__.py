"""The base of applications and blueprints."""
