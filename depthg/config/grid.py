"""How many tokens lie along the side of a crop, as far as that is known without the backbone."""

from depthg.config.sections import Backbone


def patches_along(side: int, patch: int) -> int:
    """Number of patches along a side, in pixels: crops are resized to the nearest multiple of a patch, at least one.

    Example:
        >>> patches_along(222, 14)
        16
    """
    return max(1, round(side / patch))


def tokens_along(side: int, backbone: Backbone) -> int | None:
    """Number of tokens along a side, in pixels; None if the backbone's stride is unknown.

    A network given by its `output_stride` has no patches: its convolutions keep what is left over, at most as a token.
    """
    if backbone.stride is None:
        return None
    if "output_stride" in backbone.args:
        return -(-side // backbone.stride)
    return patches_along(side, backbone.stride)
