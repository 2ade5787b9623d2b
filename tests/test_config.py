"""Layers of configuration, and what a typing error is told."""

from typing import get_args

import pytest
import yaml

from depthg.config import Config, load, parse
from depthg.errors import DepthGError
from depthg.settings import CropSettings, Settings, TrainSettings

BASE = {
    "presets": {"paper": {"steps": 7}},
    "datasets": {
        "demo": {"settings": {"batch": 8, "size": 160}, "experiments": {"ours": {"samples": 5}}},
    },
    "backbones": {"dino_vits8": {"model": "vit_small_patch8_224.dino"}},
    "depth_sources": {"zoedepth": {"source": "zoedepth"}},
    "experiments": {"stego": {}, "ours": {"sampling": "fps", "terms": {"depth": {"weight": 0.5}}}},
}


def test_layers_from_defaults_to_experiment():
    ours = load(BASE).resolve("demo", "ours")
    assert (ours.steps, ours.batch, ours.size, ours.samples) == (7, 8, 160, 5)
    assert ours.sampling == "fps" and ours.learning_rate == 5e-4
    assert load(BASE).resolve("demo", "stego").samples == 11


def test_nested_terms_merge_key_by_key():
    terms = load(BASE).resolve("demo", "ours").terms
    assert terms["depth"].weight == 0.5 and terms["depth"].shift == 0.03
    assert terms["self"].weight == 0.58


def test_command_line_settings_speak_last():
    content = BASE | {"settings": {"samples": 3, "seeds": [4, 5]}}
    ours = load(content).resolve("demo", "ours")
    assert ours.samples == 3 and ours.seeds == [4, 5]


def test_slice_changes_only_with_its_own_settings():
    before = load(BASE).resolve("demo", "ours")
    changed = load(BASE | {"experiments": {"ours": {"terms": {"self": {"weight": 0.1}}}}})
    after = changed.resolve("demo", "ours")
    assert before.slice(CropSettings) == after.slice(CropSettings)
    assert before.slice(TrainSettings) != after.slice(TrainSettings)


def test_slice_survives_the_command_line():
    own = load(BASE).resolve("demo", "ours").slice(TrainSettings)
    assert parse(TrainSettings, own.model_dump_json()) == own


def test_settings_file_may_be_yaml(tmp_path):
    (tmp_path / "crops.yaml").write_text("size: 96\n")
    assert parse(CropSettings, str(tmp_path / "crops.yaml")).size == 96


@pytest.mark.parametrize(
    ("content", "names", "message"),
    [
        (BASE, ("dmo", "ours"), "unknown dataset 'dmo': did you mean 'demo'?"),
        (BASE, ("demo", "our"), "unknown experiment 'our': did you mean 'ours'?"),
        (BASE | {"preset": "papr"}, ("demo", "ours"), "unknown preset 'papr': did you mean 'paper'?"),
        (
            BASE | {"settings": {"step": 3}},
            ("demo", "ours"),
            "settings: unknown setting 'step'",
        ),
        (
            BASE | {"settings": {"steps": -3}},
            ("demo", "ours"),
            "steps: .*greater than or equal to 0, got -3",
        ),
        (BASE | {"settings": {"neighbors": 40}}, ("demo", "ours"), "ranks 1 … 40 but only 30 are kept"),
        (BASE | {"settings": {"samples": 13}}, ("demo", "ours"), "13² is more than order_length 144"),
        (BASE | {"settings": {"seeds": [1, 1]}}, ("demo", "ours"), "seeds: each only once"),
        (BASE | {"settings": {"backbone": "dino_vit8"}}, ("demo", "ours"), "did you mean 'dino_vits8'?"),
        (BASE | {"settings": {"depth": "zoe"}}, ("demo", "ours"), "unknown depth_source 'zoe'"),
        (
            BASE | {"experiments": {"ours": {"size": 96}}},
            ("demo", "ours"),
            "'size' shapes artifacts that all experiments share: set it under datasets",
        ),
        (
            BASE | {"settings": {"terms": {"depth": {"weight": -1}}}},
            ("demo", "ours"),
            "terms.depth.weight: .*got -1",
        ),
    ],
)
def test_wrong_values_are_named(content, names, message):
    with pytest.raises(DepthGError, match=message):
        load(content).resolve(*names)


def test_unknown_key_of_the_file():
    with pytest.raises(DepthGError, match=r"unknown key 'datset': did you mean 'dataset'\?"):
        load({"datset": {}})
    with pytest.raises(DepthGError, match=r"unknown key 'rot': did you mean 'root'\?"):
        load({"datasets": {"demo": {"rot": "x"}}})


def test_unreadable_file(tmp_path):
    with pytest.raises(DepthGError, match="No such file"):
        load(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_text("a: [")
    with pytest.raises(DepthGError, match="not YAML"):
        load(tmp_path / "bad.yaml")


def test_depth_is_needed_just_where_it_is_read():
    def needs(**keys):
        return Settings(**keys).needs_geometry

    assert not needs()
    assert needs(sampling="fps") and needs(depth_loss="product") and needs(lhp="depth")


def test_named_choices_are_those_of_their_tables():
    from depthg.losses.depth import KERNELS
    from depthg.models import HEADS
    from depthg.training.batches import SAMPLERS

    def choices(key):
        return set(get_args(TrainSettings.model_fields[key].annotation))

    assert choices("head") == HEADS.keys()
    assert choices("sampling") == SAMPLERS.keys()
    assert choices("depth_loss") == {"none", *KERNELS}


def test_schema_file_is_in_step(request):
    path = request.config.rootpath / "workflow/schemas/config.schema.yaml"
    assert yaml.safe_load(path.read_text()) == Config.model_json_schema(), "run `make schema`"


def test_every_experiment_of_the_shipped_file_resolves(request):
    shipped = load(request.config.rootpath / "config.yaml")
    assert shipped.experiments.keys() >= {"kmeans", "stego", "ours", "ours_3dlhp"}
    for dataset in shipped.datasets:
        for experiment in shipped.experiments:
            assert shipped.resolve(dataset, experiment).steps >= 0
