"""Tokens marked in pictures: dots on an image, weights as a glow over it, points seen from above."""

import numpy as np
from matplotlib import colormaps
from PIL import Image, ImageDraw

SCALE = 4  # pictures are enlarged, so that dots are round at small crops too
DIM = 0.45  # what is left of an image under a glow
SOIL = (250, 250, 250)

Color = tuple[int, int, int]


def enlarge(images: np.ndarray) -> np.ndarray:
    """Every pixel SCALE × SCALE times: uint8 [n, H, W, 3] → [n, H·SCALE, W·SCALE, 3]."""
    return images.repeat(SCALE, axis=1).repeat(SCALE, axis=2)


def centres(tokens: np.ndarray, grid: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
    """Where tokens lie in a picture.

    Args:
        tokens: indices int [m], row-major.
        grid: rows and columns of tokens (h, w).
        size: height and width of the picture (H, W).

    Returns:
        x and y in pixels, float [m, 2].
    """
    row, column = np.divmod(tokens, grid[1])
    return np.stack([(column + 0.5) * size[1] / grid[1], (row + 0.5) * size[0] / grid[0]], axis=-1)


def dots(
    picture: np.ndarray, places: np.ndarray, radius: float, colors: np.ndarray, rim: float
) -> np.ndarray:
    """A picture with dots on it, the last on top.

    Args:
        picture: uint8 [H, W, 3].
        places: x and y of each dot in pixels, float [m, 2].
        radius: of the dots, pixels.
        colors: of each dot, uint8 [m, 3].
        rim: width of a black rim, pixels.
    """
    image = Image.fromarray(picture)
    pencil = ImageDraw.Draw(image)
    for (x, y), color in zip(places.tolist(), colors.tolist(), strict=True):
        for reach, fill in ((radius + rim, (0, 0, 0)), (radius, tuple(color))):
            pencil.ellipse((x - reach, y - reach, x + reach, y + reach), fill)
    return np.asarray(image)


def mark_tokens(images: np.ndarray, tokens: np.ndarray, grid: tuple[int, int], color: Color) -> np.ndarray:
    """A dot with a dark rim at the centre of every token.

    Args:
        images: uint8 [n, H, W, 3].
        tokens: indices int [n, m], row-major.
        grid: rows and columns of tokens (h, w).
        color: RGB of the dots, 0 to 255.

    Returns:
        Pictures of the same shape.
    """
    size = images.shape[1], images.shape[2]
    token, colors = (
        min(size[0] / grid[0], size[1] / grid[1]),
        np.tile(np.array(color, np.uint8), (tokens.shape[1], 1)),
    )
    return np.stack(
        [
            dots(image, centres(chosen, grid, size), 0.28 * token, colors, 0.12 * token)
            for image, chosen in zip(images, tokens, strict=True)
        ]
    )


def from_above(
    points: np.ndarray, colors: np.ndarray, tokens: np.ndarray, size: int, color: Color
) -> np.ndarray:
    """A point cloud seen from above, the camera in the middle of the lower edge; sampled points are marked.

    Width and height are each filled, so that depth appears about twice as long as it is.

    Args:
        points: of all tokens, float [P, 3]: x to the right, y downwards, z away from the camera.
        colors: of all tokens, uint8 [P, 3].
        tokens: the sampled ones, int [m].
        size: side of the picture, pixels.
        color: RGB of the marks, 0 to 255.

    Returns:
        Picture uint8 [size, size, 3].
    """
    x, z = points[:, 0], points[:, 2]
    widest, farthest = (max(float(np.abs(axis).max()), 1e-6) for axis in (x, z))  # released: all may be 0
    across, ahead = 0.5 + 0.48 * x / widest, 0.98 - 0.96 * z / farthest
    places = np.stack([across, ahead], axis=-1) * size
    empty = np.full((size, size, 3), SOIL, np.uint8)
    picture = dots(empty, places, 0.008 * size, colors, 0)
    marks = np.tile(np.array(color, np.uint8), (len(tokens), 1))
    return dots(picture, places[tokens], 0.008 * size, marks, 0.004 * size)


def glow(images: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The images dimmed, and weights of tokens in colour over them, the largest of each image brightest.

    Args:
        images: uint8 [n, H, W, 3].
        weights: of tokens, float [n, h, w], not negative; H and W are multiples of h and w.

    Returns:
        Pictures uint8 [n, H, W, 3].
    """
    height, width = images.shape[1] // weights.shape[1], images.shape[2] // weights.shape[2]
    share = weights / np.maximum(weights.max(axis=(1, 2), keepdims=True), np.finfo(np.float32).tiny)
    share = share.repeat(height, axis=1).repeat(width, axis=2)
    heat = 255 * colormaps["plasma"](0.3 + 0.7 * share)[..., :3]
    cover = np.sqrt(share)[..., None]
    return (cover * heat + (1 - cover) * DIM * images).round().astype(np.uint8)
