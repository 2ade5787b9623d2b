"""DepthG: unsupervised semantic segmentation guided by monocular depth, as a cached pipeline.

What a researcher imports is here, listed in `__init__.pyi`; each name is imported when it is first used, so that
`import depthg` takes no time.

    >>> from depthg import correlation, correlation_loss, unit
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
