"""`depthg data check`: counts, damage, ids, disk."""

import numpy as np
import pytest
from PIL import Image

from depthg.config import load_config
from depthg.data import cocostuff as module
from depthg.errors import DepthGError
from depthg.report.plan.check import check

TINY = {"patch_size": 8, "embed_dim": 24, "depth": 1, "num_heads": 2, "dynamic_img_size": True}


def _config(root):
    return load_config(
        {
            "datasets": {
                "coco": {"kind": "cocostuff", "root": str(root), "settings": {"backbone": "tiny", "size": 32}}
            },
            "backbones": {"tiny": {"model": "vit_tiny_patch16_224", "args": TINY, "weights": "none.pth"}},
            "depth_sources": {"zoedepth": {"source": "kbr"}},
        }
    )


@pytest.fixture
def whole(cocostuff, monkeypatch):
    """The miniature, taken for the whole data set."""
    monkeypatch.setattr(module, "COUNTS", {"train": 3, "val": 2})
    return cocostuff


def test_a_sound_data_set(whole, capsys):
    check("coco", _config(whole))
    printed = capsys.readouterr().out
    assert "coco: train: 3 of 3 images and their labels can be used; ids 0-181 255" in printed
    # 15 crops of 32 px and 2 of 320: 5·S² of colours and labels and 20 bytes of places; 2·(S/4)² of depth
    crops, depth = 15 * (5 * 32**2 + 20) + 2 * (5 * 320**2 + 20), 15 * 2 * 8**2 + 2 * 2 * 80**2
    features = 15 * 24 * (2 * 4**2 + 4) + 2 * 24 * (2 * 40**2 + 4)
    parts = ", ".join(
        f"{n} {size / 1e6:.1f} MB"
        for n, size in zip(("crops", "depth", "features"), (crops, depth, features), strict=True)
    )
    assert f"stores with tiny take up to {parts}; " in printed
    assert printed.endswith("coco: nothing is wrong\n")


def test_flip_needs_room_for_the_features_of_mirrored_validation_crops(whole, capsys):
    config = _config(whole)
    config.datasets["coco"].settings["flip"] = True
    check("coco", config)
    assert f", mirrored {2 * 24 * (2 * 40**2 + 4) / 1e6:.1f} MB; " in capsys.readouterr().out


def test_a_part_of_it_is_a_failure(cocostuff, capsys):
    with pytest.raises(DepthGError, match="coco: 2 problems, of which 2 are listed above"):
        check("coco", _config(cocostuff))
    assert "wrong: 3 train images found, 97,702 expected" in capsys.readouterr().out


def test_everything_wrong_is_told(whole, capsys):
    label = whole / "annotations/train2017/000000000009.png"
    Image.fromarray(np.full((24, 32), 250, np.uint8)).save(label)
    image = whole / "images/val2017/000000000139.jpg"
    image.write_bytes(image.read_bytes()[:300])
    with pytest.raises(DepthGError, match="coco: 2 problems"):
        check("coco", _config(whole))
    printed = capsys.readouterr().out
    assert "coco: train: 2 of 3 images" in printed and "coco: val: 1 of 2 images" in printed
    assert "wrong: " + str(label) + ": id 250" in printed and "000000000139.jpg: not an image" in printed


def test_classes_that_never_occur_are_warned_about(whole, capsys):
    for path in (whole / "annotations/val2017").iterdir():
        Image.fromarray(np.full((24, 32), 156, np.uint8)).save(path)
    check("coco", _config(whole))
    assert "warning: coco: val: no pixel of electronic, appliance, " in capsys.readouterr().out


def test_incomplete_files_stop_it(whole):
    (whole / "images/val2017/000000000139.jpg").unlink()
    with pytest.raises(DepthGError, match=r"000000000139\.jpg: missing, the first of 1 files of 4"):
        check("coco", _config(whole))
