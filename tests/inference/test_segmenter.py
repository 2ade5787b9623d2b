"""A Segmenter gives what evaluation gives, on images of any size, and keeps its folder whole."""

import numpy as np
import pytest
import torch
from PIL import Image

import depthg
from depthg.demo.view import render
from depthg.errors import DepthGError
from depthg.evaluation.codes import open_mirrored, open_reader
from depthg.evaluation.predict import add_refined, predict
from depthg.evaluation.probes import load_probes
from depthg.inference import config as names
from depthg.inference.config import OutputClass
from depthg.inference.network import Network
from depthg.inference.segmenter import Segmenter
from depthg.models import precision
from depthg.stages.components import make_projected
from depthg.stages.features import make_features
from depthg.stages.mirrored import make_mirrored
from depthg.store.reader import Store
from depthg.store.tokens import TokenStore

CLASS_OF = np.array([0, 1, 1, 0])  # of the four clusters of a made model


def evaluated(made, folder, images, spec, enlarged, flip, channels="rgb", axes=None, stored="float16"):
    """The cluster maps uint16 [M, S, S] of crops by the stages of the workflow, before and after the CRF."""
    crops = made.crops(images)
    stages = {"features": make_features, "mirrored": make_mirrored} if flip else {"features": make_features}
    opened = {}
    for name, make in stages.items():
        path = made.root / f"{name}.zarr"
        make(crops, path, "tiny", spec)
        if axes is not None:
            np.save(made.root / "axes.npy", axes.numpy())
            path, source = made.root / f"{name}_projected.zarr", path
            make_projected(source, made.root / "axes.npy", path, stored)
        opened[name] = TokenStore(path)
    mirror = open_mirrored(opened["mirrored"].path, opened["features"]) if flip else None
    reader = open_reader(opened["features"], folder / names.HEAD, 0, mirror)
    rows = range(len(images))
    predictions = predict(reader, load_probes(folder / names.PROBES), Store(crops), rows, enlarged)
    found = list(add_refined(predictions, 1, channels))
    return [np.stack([one.maps[name] for one in found]) for name in ("unsupervised", "unsupervised_crf")]


CASES = {
    "as auto": {"enlarged": "guided", "flip": True},
    "logits": {"enlarged": "logits", "flip": False, "train": {"code_dim": 6}},
    "as released": {"enlarged": "codes", "flip": True, "crf_channels": "bgr", "train": {"code_dim": 6}},
    "k-means": {"enlarged": "logits", "flip": False, "train": {"head": "identity", "steps": 0}},
}


@pytest.mark.parametrize("case", CASES)
def test_crops_are_segmented_as_in_evaluation(made, picture, case):
    images = np.stack([picture(48, 48, seed) for seed in range(3)])
    own = CASES[case]
    folder = made.model(**own)
    channels = own.get("crf_channels", "rgb")
    plain, refined = evaluated(made, folder, images, made.spec, own["enlarged"], own["flip"], channels)
    segment = Segmenter.from_pretrained(folder)
    assert len(np.unique(plain)) > 1
    for image, before, after in zip(images, plain, refined, strict=True):
        np.testing.assert_array_equal(segment(image).labels, CLASS_OF[before])
        np.testing.assert_array_equal(segment(image, crf=True).labels, CLASS_OF[after])


@pytest.mark.parametrize(("units", "dtype"), [(True, torch.bfloat16), (False, torch.float32)])
def test_the_backbone_has_the_precision_of_the_features_stage(made, picture, monkeypatch, units, dtype):
    monkeypatch.setattr(precision, "has_matrix_units", lambda: units)
    made.spec = made.spec.model_copy(update={"precision": "auto"})
    folder, images = made.model(), np.stack([picture(48, 48, seed) for seed in range(3)])
    segment = Segmenter(folder, "cpu")
    assert segment.network.backbone.precision == dtype
    maps, _ = evaluated(made, folder, images, made.spec, "logits", False)
    found = np.stack([segment(image).labels for image in images])
    assert (found == CLASS_OF[maps]).mean() > 0.99  # windows are alone here, and three in a batch there
    assert Network(folder, "cpu", "float32").backbone.precision == torch.float32


def test_projected_and_quantised_tokens_are_as_in_evaluation(made, picture):
    images = np.stack([picture(48, 48, seed) for seed in range(2)])
    axes = torch.linalg.qr(torch.randn(12, 5, generator=torch.Generator().manual_seed(0)))[0].contiguous()
    folder = made.model(axes=axes, stored="int8")
    plain, _ = evaluated(made, folder, images, made.spec, "logits", False, axes=axes, stored="int8")
    segment = Segmenter.from_pretrained(folder)
    for image, before in zip(images, plain, strict=True):
        np.testing.assert_array_equal(segment(image).labels, CLASS_OF[before])


def test_the_demo_model_gives_what_evaluation_gives(made):
    segment = Segmenter.from_pretrained("demo")
    own = segment.config
    scene = render(500_003, own.side, own.side).image
    plain, _ = evaluated(made, segment.folder, scene[None], own.backbone.spec, own.enlarged, own.flip)
    found = segment(scene)
    np.testing.assert_array_equal(found.labels, np.array(own.class_of)[plain[0]])
    assert set(found.areas()) <= set(found.names) and len(found.areas()) > 2


@pytest.mark.parametrize("size", [(1, 1), (3, 90), (70, 48), (200, 64)])
def test_masks_are_as_large_as_their_images(made, picture, size):
    segment = Segmenter.from_pretrained(made.model())
    for crf in (False, True):
        found = segment(picture(*size), crf=crf)
        assert found.labels.shape == size and found.labels.max() <= 1
        assert found.probabilities.shape == (2, *size)
        np.testing.assert_allclose(found.probabilities.sum(0), 1, atol=1e-5)


def test_the_label_is_the_most_probable_class(made, picture):
    """If each cluster has a class of its own."""
    four = [OutputClass(name=str(i), color=(i, i, i)) for i in range(4)]
    segment = Segmenter.from_pretrained(made.model(classes=four, class_of=[2, 0, 3, 1]))
    found = segment(picture(60, 100))
    np.testing.assert_array_equal(found.probabilities.argmax(0), found.labels)
    with pytest.raises(ValueError, match="keep=True"):
        segment(picture(60, 100), keep=False).probabilities  # noqa: B018


def test_batches_of_windows_and_strips_do_not_matter(made, picture, monkeypatch):
    segment, image = Segmenter.from_pretrained(made.model(enlarged="guided")), picture(64, 300)
    whole = segment(image, scale=1.5, batch=50)
    monkeypatch.setattr("depthg.inference.windows.STRIP_BYTES", 5000)
    again = segment(image, scale=1.5, batch=3)
    assert (whole.labels == again.labels).mean() > 0.999  # sums in another order
    np.testing.assert_allclose(whole.probabilities, again.probabilities, atol=1e-5)


def test_an_image_in_any_form_is_the_same_image(made, picture, tmp_path):
    segment, image = Segmenter.from_pretrained(made.model()), picture(50, 70)
    expected = segment(image).labels
    Image.fromarray(image).save(tmp_path / "photo.png")
    for form in (tmp_path / "photo.png", str(tmp_path / "photo.png"), Image.fromarray(image)):
        np.testing.assert_array_equal(segment(form).labels, expected)
    grey = image[..., 0]
    np.testing.assert_array_equal(segment(grey).labels, segment(np.repeat(grey[..., None], 3, 2)).labels)


def test_a_photo_is_seen_as_its_camera_was_held(made, picture, tmp_path):
    segment, upright = Segmenter.from_pretrained(made.model()), Image.fromarray(picture(50, 70))
    turned = Image.Exif()
    turned[0x0112] = 6  # to be turned a quarter clockwise
    upright.rotate(90, expand=True).save(tmp_path / "turned.png", exif=turned)
    np.testing.assert_array_equal(segment(tmp_path / "turned.png").labels, segment(upright).labels)


def test_a_saved_model_is_the_same_model(made, picture, tmp_path):
    segment = depthg.Segmenter.from_pretrained(made.model())
    segment.save_pretrained(tmp_path / "copy")
    copy = depthg.Segmenter.from_pretrained(tmp_path / "copy/config.json")
    assert copy.fingerprint == segment.fingerprint
    np.testing.assert_array_equal(copy(picture(48, 60)).labels, segment(picture(48, 60)).labels)


def test_a_model_is_saved_in_place_of_another_or_onto_itself(made):
    axes = torch.linalg.qr(torch.randn(12, 5))[0].contiguous()
    projected, plain = made.model("projected", axes=axes), depthg.Segmenter(made.model("plain"))
    (projected / "notes.txt").touch()
    for _ in range(2):
        plain.save_pretrained(projected)
        assert depthg.Segmenter(projected).fingerprint == plain.fingerprint
    assert not (projected / names.AXES).exists() and (projected / "notes.txt").exists()
    plain.save_pretrained(plain.folder)
    assert depthg.Segmenter(plain.folder).fingerprint == plain.fingerprint


def test_what_is_wrong_with_a_model_is_said(made, picture, tmp_path):
    with pytest.raises(DepthGError, match=r"nowhere.*no such model: give the folder"):
        Segmenter.from_pretrained(tmp_path / "nowhere")
    with pytest.raises(DepthGError, match=r"4 clusters and config\.json tells the class of 3"):
        Segmenter.from_pretrained(made.model("few", class_of=[0, 1, 1]))
    with pytest.raises(DepthGError, match="class_of: 7 is none of the 2 classes"):
        Segmenter.from_pretrained(made.model("far", class_of=[0, 1, 7, 1]))
    with pytest.raises(DepthGError, match="device nonsense"):
        Segmenter.from_pretrained(made.model("whole"), "nonsense")
    segment = Segmenter.from_pretrained(tmp_path / "whole")
    for wrong in (np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8), np.zeros((4, 4, 2), np.uint8)):
        with pytest.raises(DepthGError, match="an image is RGB"):
            segment(wrong)
    for options in ({"scale": 0}, {"scale": float("nan")}, {"batch": 0}):
        with pytest.raises(DepthGError, match="must be a"):
            segment(picture(9, 9), **options)


def test_other_weights_of_the_backbone_are_refused(made):
    folder = made.model()
    text = (folder / names.CONFIG).read_text()
    (folder / names.CONFIG).write_text(text.replace('"hash": "', '"hash": "0'))
    with pytest.raises(DepthGError, match="not those that the model was trained on"):
        Segmenter.from_pretrained(folder)
