"""The cases, a module per thing; importing this package fills `tests.parity.case.CASES`."""

import importlib
import pkgutil

for _module in sorted(module.name for module in pkgutil.iter_modules(__path__)):
    importlib.import_module(f"{__name__}.{_module}")
