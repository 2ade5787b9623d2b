"""Reading images and labels of every kind a folder may hold."""

import threading
import time

import numpy as np
import pytest
from PIL import Image

from depthg.data import decode
from depthg.data.decode import read_image, read_label
from depthg.errors import DepthGError, UnreadableImageError

COLORS = np.array(
    [[[255, 0, 0], [0, 255, 0], [0, 0, 255]], [[9, 9, 9], [90, 90, 90], [200, 100, 0]]], np.uint8
)


@pytest.mark.parametrize("suffix", ["png", "webp", "tif", "TIFF", "bmp"])
def test_colours_are_kept(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(COLORS).save(path, **({"lossless": True} if suffix == "webp" else {}))
    np.testing.assert_array_equal(read_image(path), COLORS)


def test_a_jpeg_is_read_about_right(tmp_path):
    path = tmp_path / "a.jpeg"
    Image.new("RGB", (10, 6), (200, 100, 50)).save(path)
    image = read_image(path)
    assert image.shape == (6, 10, 3) and image.dtype == np.uint8
    assert np.abs(image.astype(int) - (200, 100, 50)).max() <= 3


def test_heic_is_read_upright_with_white_for_transparent(tmp_path):
    heif = pytest.importorskip("pillow_heif")
    left = np.zeros((32, 64, 4), np.uint8)
    left[:, :32] = (200, 100, 50, 255)  # the right half is transparent
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying down, as phones do: left is the top
    path = tmp_path / "a.HEIC"
    heif.from_pillow(Image.fromarray(left)).save(path, quality=95, exif=exif.tobytes())
    image = read_image(path).astype(int)
    assert image.shape == (64, 32, 3)
    assert np.abs(image[4:28] - (200, 100, 50)).max() <= 6 and image[36:].min() >= 249


def test_grey_becomes_three_equal_channels(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(np.array([[0, 7], [128, 255]], np.uint8)).save(path)
    np.testing.assert_array_equal(read_image(path), np.dstack([[[0, 7], [128, 255]]] * 3))


def test_16_bit_grey_is_scaled_to_8_bit(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(np.array([[0, 257], [32896, 65535]], np.uint16)).save(path)
    np.testing.assert_array_equal(read_image(path)[..., 0], [[0, 1], [128, 255]])


def test_transparent_pixels_show_white(tmp_path):
    path = tmp_path / "a.png"
    pixels = np.array([[[0, 0, 0, 0], [10, 20, 30, 255], [0, 0, 0, 128]]], np.uint8)
    Image.fromarray(pixels).save(path)
    np.testing.assert_array_equal(read_image(path)[0], [[255, 255, 255], [10, 20, 30], [127, 127, 127]])


def test_palette_images_give_their_colours(tmp_path):
    path = tmp_path / "a.png"
    image = Image.fromarray(np.array([[0, 1]], np.uint8))
    image.putpalette([1, 2, 3, 40, 50, 60])
    image.save(path, transparency=0)
    np.testing.assert_array_equal(read_image(path)[0], [[255, 255, 255], [40, 50, 60]])


def test_exif_orientation_is_honoured(tmp_path):
    path = tmp_path / "a.png"
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying down: to be turned clockwise by a quarter
    Image.fromarray(COLORS).save(path, exif=exif)
    np.testing.assert_array_equal(read_image(path), np.rot90(COLORS, -1))


def _cut_off(path):
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:-400])


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp"])
def test_a_cut_off_file_is_named(tmp_path, name):
    _cut_off(tmp_path / name)
    with pytest.raises(
        UnreadableImageError, match=rf"{name}: not an image, or cut off: .*on_bad_image: skip"
    ):
        read_image(tmp_path / name)


def test_other_files_are_named(tmp_path):
    (tmp_path / "a.jpg").write_text("not an image")
    with pytest.raises(UnreadableImageError, match=r"a\.jpg: not an image"):
        read_image(tmp_path / "a.jpg")
    with pytest.raises(UnreadableImageError, match=r"b\.jpg: missing"):
        read_image(tmp_path / "b.jpg")


@pytest.mark.parametrize("suffix", ["gif", "avif"])
def test_few_colours_and_lossy_images_are_read_about_right(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    Image.new("RGB", (10, 6), (200, 100, 50)).save(path)
    assert np.abs(read_image(path).astype(int) - (200, 100, 50)).max() <= 6


def test_of_an_animation_the_first_frame_is_read(tmp_path):
    frames = [Image.new("RGB", (4, 4), color) for color in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert read_image(tmp_path / "a.gif")[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (np.float32([[0, 0.5]]), "holds fractions from 0.0 to 0.5"),
        (np.int32([[0, 70000]]), "holds numbers from 0 to 70000"),
        (np.int32([[-1, 3]]), "holds numbers from -1 to 3"),
    ],
)
def test_values_that_are_no_grey_levels_are_refused(tmp_path, values, reason):
    Image.fromarray(values).save(tmp_path / "a.tif")
    with pytest.raises(UnreadableImageError, match=rf"a\.tif: {reason}, not 8- or 16-bit grey: replace"):
        read_image(tmp_path / "a.tif")
    with pytest.raises(DepthGError, match=rf"a\.tif: {reason}, not class ids: save"):
        read_label(tmp_path / "a.tif")


def test_an_image_that_is_too_large_is_refused_for_that(tmp_path, monkeypatch):
    Image.fromarray(COLORS).save(tmp_path / "a.png")
    monkeypatch.setattr(decode, "LARGEST", 5)
    with pytest.raises(UnreadableImageError, match=r"3 by 2 pixels, more than 5: cut it into tiles: .*skip"):
        read_image(tmp_path / "a.png")
    monkeypatch.setattr(decode, "LARGEST", 6)
    assert read_image(tmp_path / "a.png").shape == (2, 3, 3)


def test_pillow_does_not_refuse_aerial_images():
    assert Image.MAX_IMAGE_PIXELS is None


def test_large_images_are_decoded_one_at_a_time(tmp_path, monkeypatch):
    Image.fromarray(COLORS).save(tmp_path / "a.png")
    at_once, most = [], []

    def slow(image, path):
        at_once.append(path)
        most.append(len(at_once))
        time.sleep(0.02)
        at_once.pop()
        return image

    monkeypatch.setattr(decode, "as_rgb", slow)

    def read_three():
        threads = [threading.Thread(target=read_image, args=[tmp_path / "a.png"]) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return max(most)

    monkeypatch.setattr(decode, "LARGE", 5)
    assert read_three() == 1
    monkeypatch.setattr(decode, "LARGE", 6)
    assert read_three() > 1


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_label_ids_are_kept(tmp_path, dtype):
    ids = np.array([[0, 3, 255], [1, 2, 254]], dtype)
    if dtype == np.uint16:
        ids[0, 1] = 40000
    Image.fromarray(ids).save(tmp_path / "a.png")
    label = read_label(tmp_path / "a.png")
    assert label.dtype == np.uint16
    np.testing.assert_array_equal(label, ids)


def test_palette_labels_give_indices(tmp_path):
    image = Image.fromarray(np.array([[0, 1], [1, 5]], np.uint8))
    image.putpalette(list(range(18)))
    image.save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_label(tmp_path / "a.png"), [[0, 1], [1, 5]])


def test_colours_are_no_labels(tmp_path):
    Image.fromarray(COLORS).save(tmp_path / "a.png")
    with pytest.raises(DepthGError, match=r"a\.png: holds colours, not class ids: save"):
        read_label(tmp_path / "a.png")
