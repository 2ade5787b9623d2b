"""Where the settings of an experiment come from."""

import pytest
import yaml

from depthg.config import Config, load_config
from depthg.config.project import resolved
from depthg.errors import DepthGError


@pytest.fixture
def config() -> Config:
    return load_config(
        {
            "datasets": {
                "coco": {"settings": {"backbone": "small", "depth": "zoe", "seeds": [0, 1]}},
                "demo": {"settings": {"backbone": "small", "depth": "zoe"}},
            },
            "backbones": {"small": {"model": "vit_small_patch8_224"}},
            "depth_sources": {"zoe": {"source": "kbr"}},
            "experiments": {"ours": {"sampling": "fps"}},
        }
    )


def test_every_setting_has_a_line_with_its_origin(config):
    lines = resolved(config, "coco", "ours+samples=9+terms.depth.weight=0.3").splitlines()
    origins = {line.split(":")[0]: line.split("  # ")[1] for line in lines}
    assert (
        origins["samples"]
        == origins["terms.depth.weight"]
        == "the name ours+samples=9+terms.depth.weight=0.3"
    )
    assert origins["terms.depth.shift"] == origins["batch"] == "default"
    assert origins["sampling"] == "experiments: ours"
    assert origins["backbone"] == "datasets: coco: settings"


def test_what_is_printed_is_yaml_of_the_settings(config):
    content = yaml.safe_load(resolved(config, "coco", "ours+samples=9"))
    own = config.resolve("coco", "ours+samples=9")
    assert content["samples"] == 9 and content["seeds"] == [0, 1] and content["clip"] is None
    assert content["terms.knn.shift"] == own.terms["knn"].shift
    assert content["hidden_positives.pool"] == own.hidden_positives.pool


def test_the_strongest_layer_is_named(config):
    strongest = config.model_copy(update={"settings": {"samples": 4}})
    assert "samples: 4 " in resolved(strongest, "demo", "ours") and "  # settings\n" in resolved(
        strongest, "demo", "ours"
    )


def test_a_wrong_change_is_an_error(config):
    with pytest.raises(DepthGError, match="unknown setting 'sample': did you mean 'samples'"):
        resolved(load_config(config.model_dump()), "demo", "ours+sample=3")
