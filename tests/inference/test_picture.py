"""What an image costs that is decoded as a whole: its pixels once, however many windows are cut from it."""

import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from depthg.inference.picture import open_picture

# A process's own peak: that which `getrusage` tells begins with that of its parent.
MEMORY = """
import re, sys
from pathlib import Path
from depthg.inference.picture import open_picture

def peak():
    return 1024 * int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])

before = peak()
picture = open_picture(sys.argv[1])
picture.cut((0, 0, 48, 48), 48, "bilinear")
print(peak() - before)
"""


def test_windows_are_cut_without_copying_the_image():
    pixels = np.zeros((3000, 3000, 3), np.uint8)
    picture = open_picture(pixels)
    began = time.perf_counter()
    for _ in range(20):
        Image.fromarray(pixels)
    copied = time.perf_counter()
    for place in range(100):
        picture.cut((place, place, place + 48, place + 48), 48, "bilinear")
    assert time.perf_counter() - copied < copied - began


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_a_decoded_image_is_held_once(tmp_path):
    path, side = tmp_path / "large.png", 5000
    Image.new("RGB", (side, side)).save(path, compress_level=1)
    child = subprocess.run(
        [sys.executable, "-c", MEMORY, str(path)], capture_output=True, text=True, check=True
    )
    assert int(child.stdout) < 6 * side * side  # Pillow takes 4 bytes a pixel
