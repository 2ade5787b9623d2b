"""The configuration: a pydantic model of config.yaml, and the settings that each experiment resolves to.

A stage reads its own settings and not config.yaml: the names below are imported when they are first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
