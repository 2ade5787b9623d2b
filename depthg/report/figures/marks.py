"""Drawing of tokens: dots on an image, weights as a heat map, a point cloud seen from above."""

import numpy as np
from matplotlib import colormaps
from PIL import Image, ImageDraw

SCALE = 4  # enlargement of pictures, so that dots on small crops are round
DIM = 0.45  # brightness factor of an image under a heat map
BACKGROUND = (250, 250, 250)

Color = tuple[int, int, int]


def enlarge(images: np.ndarray) -> np.ndarray:
    """Enlarge images by repeating pixels: uint8 [n, H, W, 3] → [n, H·SCALE, W·SCALE, 3]."""
    return images.repeat(SCALE, axis=1).repeat(SCALE, axis=2)


def centres(tokens: np.ndarray, grid: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
    """Centres x and y in pixels, float [m, 2], of tokens in a picture.

    Args:
        tokens: indices int [m], row-major.
        grid: rows and columns of tokens (h, w).
        size: height and width of the picture (H, W).
    """
    row, column = np.divmod(tokens, grid[1])
    return np.stack([(column + 0.5) * size[1] / grid[1], (row + 0.5) * size[0] / grid[0]], axis=-1)


def draw_dots(
    picture: np.ndarray, places: np.ndarray, radius: float, colors: np.ndarray, rim: float
) -> np.ndarray:
    """Draw dots with black rims on a picture uint8 [H, W, 3], the last on top.

    Args:
        picture: the picture, which is not changed.
        places: x and y of each dot in pixels, float [m, 2].
        radius, rim: of the dots without rim, and width of the rim, pixels.
        colors: RGB of each dot, uint8 [m, 3].
    """
    image = Image.fromarray(picture)
    pencil = ImageDraw.Draw(image)
    for (x, y), color in zip(places.tolist(), colors.tolist(), strict=True):
        for reach, fill in ((radius + rim, (0, 0, 0)), (radius, tuple(color))):
            pencil.ellipse((x - reach, y - reach, x + reach, y + reach), fill)
    return np.asarray(image)


def mark_tokens(images: np.ndarray, tokens: np.ndarray, grid: tuple[int, int], color: Color) -> np.ndarray:
    """Draw a dot with a black rim at the centre of each token, on images uint8 [n, H, W, 3].

    Args:
        images: the images, which are not changed.
        tokens: indices int [n, m], row-major.
        grid: rows and columns of tokens (h, w).
        color: RGB of the dots, 0 to 255.
    """
    size = images.shape[1], images.shape[2]
    token = min(size[0] / grid[0], size[1] / grid[1])
    colors = np.tile(np.array(color, np.uint8), (tokens.shape[1], 1))
    places = [centres(chosen, grid, size) for chosen in tokens]
    pairs = zip(images, places, strict=True)
    return np.stack([draw_dots(image, place, 0.28 * token, colors, 0.12 * token) for image, place in pairs])


def top_view(
    points: np.ndarray, colors: np.ndarray, tokens: np.ndarray, size: int, color: Color
) -> np.ndarray:
    """Draw a point cloud from above and mark sampled points: uint8 [size, size, 3].

    The camera is in the middle of the lower edge. Both axes are scaled separately to fill the picture, which stretches
    depth about twofold.

    Args:
        points: points of all tokens, float [P, 3]: x to the right, y downwards, z away from the camera, or below 0.
        colors: RGB of all tokens, uint8 [P, 3].
        tokens: indices of the sampled tokens, int [m].
        size: side of the picture in pixels.
        color: RGB of the marks, 0 to 255.
    """
    x, z = points[:, 0], np.abs(points[:, 2])  # released: z is below 0
    widest, farthest = (max(float(np.abs(axis).max()), 1e-6) for axis in (x, z))  # released: all may be 0
    across, ahead = 0.5 + 0.48 * x / widest, 0.98 - 0.96 * z / farthest
    places = np.stack([across, ahead], axis=-1) * size
    empty = np.full((size, size, 3), BACKGROUND, np.uint8)
    picture = draw_dots(empty, places, 0.008 * size, colors, 0)
    marks = np.tile(np.array(color, np.uint8), (len(tokens), 1))
    return draw_dots(picture, places[tokens], 0.008 * size, marks, 0.004 * size)


def overlay_weights(images: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Overlay dimmed images uint8 [n, H, W, 3] with a heat map of token weights.

    Args:
        images: the images, which are not changed.
        weights: weights of tokens, float [n, h, w], at least 0, which are scaled by the largest of each image.
    """
    rows, columns = (
        np.arange(length) * count // length
        for length, count in zip(images.shape[1:3], weights.shape[1:], strict=True)
    )
    share = weights / np.maximum(weights.max(axis=(1, 2), keepdims=True), np.finfo(np.float32).tiny)
    share = share[:, rows[:, None], columns]
    heat = 255 * colormaps["plasma"](0.3 + 0.7 * share)[..., :3]
    cover = np.sqrt(share)[..., None]
    return (cover * heat + (1 - cover) * DIM * images).round().astype(np.uint8)
