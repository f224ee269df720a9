"""What several modules need and Sanic has no module for: JSON, checks of header fields, late patterns."""
