"""An image with its label map over it, and a legend of what occurs: for looking at, not for counting."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from depthg.inference.picture import Picture
from depthg.inference.segmentation import Segmentation

LONGEST = 2048  # pixels of the longer side
OPACITY = 0.55  # of the colours
TEXT = 15  # pixels, more in a wide image


def draw_overlay(picture: Picture, found: Segmentation) -> Image.Image:
    """The image, at most 2048 pixels long, in the colours of its classes, above their names by decreasing area."""
    shrink = max(1.0, max(picture.height, picture.width) / LONGEST)
    size = max(1, round(picture.width / shrink)), max(1, round(picture.height / shrink))
    small = Image.fromarray(found.labels).resize(size, Image.Resampling.NEAREST)
    colors = Segmentation(np.asarray(small), found.classes).paint()
    blended = Image.blend(Image.fromarray(picture.small(size)), Image.fromarray(colors), OPACITY)
    return _with_legend(blended, found)


def _with_legend(image: Image.Image, found: Segmentation) -> Image.Image:
    """The image above a legend of its classes, also of those of one name, in as many lines as it takes."""
    counts = found.pixels().tolist()
    shares = {place: count / sum(counts) for place, count in enumerate(counts) if count}
    text_size = max(TEXT, image.width // 70)
    font = ImageFont.load_default(text_size)
    width, line = max(image.width, 240), text_size + 9
    places, x, y = [], 6, 0
    for place in sorted(shares, key=lambda place: -shares[place]):
        text = f"{found.names[place]} {100 * shares[place]:.1f} %"
        needed = text_size + 6 + round(font.getlength(text)) + 16
        if x + needed > width and x > 6:
            x, y = 6, y + line
        places.append((x, y, found.classes[place].color, text))
        x += needed
    sheet = Image.new("RGB", (width, image.height + y + line + 4), "white")
    sheet.paste(image)
    draw = ImageDraw.Draw(sheet)
    for left, top, color, text in places:
        top += image.height + 6
        draw.rectangle((left, top, left + text_size, top + text_size), fill=color, outline="black")
        draw.text((left + text_size + 6, top - 1), text, fill="black", font=font)
    return sheet
