"""Predictions at tokens, averaged among tokens of like colour: class borders follow the image, as after a CRF.

A token's own prediction is noisy, and those around it that look alike mostly show the same thing. The weights are those
of a bilateral filter whose guide is the photograph (joint bilateral filter: Petschnigg et al., 2004).
"""

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, pad

REACH = 1 / 6  # of the token grid's shorter side, to each side of a token
COLOUR = 0.1  # distance of colours in [0, 1]³ at which a weight is exp(−1/2)


def token_colours(image: Tensor, grid: tuple[int, int]) -> Tensor:
    """Mean colour of the area of each token: float32 […, 3, h, w] in [0, 1], of images uint8 […, H, W, 3]."""
    return adaptive_avg_pool2d(image.movedim(-1, -3).float() / 255, grid)


def guided_mean(values: Tensor, colours: Tensor, radius: int, bandwidth: float = COLOUR) -> Tensor:
    """Weighted means of values around each token, with weights exp(−|c − c'|² / 2σ²) of the difference in colour.

    Args:
        values: float […, n, h, w].
        colours: float […, 3, h, w], or any other number of channels that tokens of one thing have in common.
        radius: tokens to each side that are looked at: (2 · radius + 1)² in all, fewer at the border.
        bandwidth: σ, in the unit of the colours.

    Returns:
        float […, n, h, w].

    Example:
        >>> values, colours = torch.tensor([[[0.0, 1.0, 5.0]]]), torch.tensor([0.0, 0.0, 1.0]).expand(3, 1, 3)
        >>> guided_mean(values, colours, radius=2)
        tensor([[[0.5000, 0.5000, 5.0000]]])
    """
    sizes, (h, w) = [values.shape[-3], colours.shape[-3], 1], values.shape[-2:]
    inside = torch.ones_like(colours[..., :1, :, :])
    around = pad(torch.cat([values, colours, inside], -3), (radius,) * 4)
    total, weights = torch.zeros_like(values), torch.zeros_like(inside)
    for row in range(2 * radius + 1):
        for column in range(2 * radius + 1):
            near = around[..., row : row + h, column : column + w]
            voted, colour, known = near.split(sizes, -3)
            apart = (colour - colours).square().sum(-3, keepdim=True)
            weight = known * (-apart / (2 * bandwidth**2)).exp()  # 0 beyond the border
            total += weight * voted
            weights += weight
    return total / weights


def reach(grid: tuple[int, int]) -> int:
    """Radius in tokens for a grid (h, w).

    Example:
        >>> reach((40, 40)), reach((2, 3))
        (7, 1)
    """
    return max(1, round(REACH * min(grid)))
