"""The scene of the parts `templates`, `streams` and `large`.

Each module has `pages()`, `streams()` and `large()`, each of which returns a new application.
"""

from pathlib import Path

TEMPLATES = Path(__file__).with_name("templates")
