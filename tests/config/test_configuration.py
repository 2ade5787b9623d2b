"""Layers of configuration, and errors for mistakes in it."""

from typing import get_args

import pytest
import yaml

from depthg.config import Config, load_config
from depthg.config.project import resolved
from depthg.config.sections import SOURCES
from depthg.config.settings import (
    CropSettings,
    EvaluateSettings,
    GeometrySettings,
    Settings,
    TrainSettings,
)
from depthg.config.validation import parse
from depthg.errors import DepthGError
from depthg.evaluation.crf import CHANNELS
from depthg.evaluation.predict import ENLARGED
from depthg.losses.depth import KERNELS, NORMS
from depthg.models.heads import HEADS
from depthg.stages.camera import CAMERAS
from depthg.stages.crops import RESIZES
from depthg.stages.depth import DEPTH_SOURCES, controls
from depthg.training import sampling
from depthg.training.guidance import SAMPLE_SCHEDULES
from depthg.training.lhp import MIXINGS
from depthg.training.objective import OBJECTIVES
from depthg.training.selection import CRITERIA

BASE = {
    "presets": {"paper": {"steps": 7}},
    "datasets": {
        "demo": {"settings": {"batch": 8, "size": 160}, "experiments": {"ours": {"samples": 5}}},
    },
    "backbones": {"dino_vits8": {"model": "vit_small_patch8_224.dino"}},
    "depth_sources": {"zoedepth": {"source": "kbr"}},
    "experiments": {"stego": {}, "ours": {"sampling": "fps", "terms": {"depth": {"weight": 0.5}}}},
}


def test_layers_from_defaults_to_experiment():
    ours = load_config(BASE).resolve("demo", "ours")
    assert (ours.steps, ours.batch, ours.size, ours.samples) == (7, 8, 160, 5)
    assert ours.sampling == "fps" and ours.learning_rate == 5e-4
    assert load_config(BASE).resolve("demo", "stego").samples == 11


def test_nested_terms_merge_key_by_key():
    terms = load_config(BASE).resolve("demo", "ours").terms
    assert terms["depth"].weight == 0.5 and terms["depth"].shift == 0.03
    assert terms["self"].weight == 0.58


def test_changes_in_the_name_speak_over_all():
    content = BASE | {"settings": {"samples": 3}}
    own = load_config(content).resolve("demo", "ours+samples=9+terms.depth.weight=0.3+depth_loss=similarity")
    assert own.samples == 9 and own.depth_loss == "similarity"
    assert own.terms["depth"].weight == 0.3 and own.terms["depth"].shift == 0.03
    both = load_config(content).resolve("demo", "ours+terms.depth.weight=0.3+terms={depth: {shift: 0.1}}")
    assert both.terms["depth"].model_dump() == {"weight": 0.3, "shift": 0.1}
    for name, message in {
        "ours+samples": "'samples' is no change: write [+]key=value",
        "ours+samples=9+samples=16": "'ours[+]samples=9[+]samples=16' changes samples twice",
        "ours+terms.depth.weight=0.3+terms={depth: {weight: 0.4}}": r"changes terms\.depth\.weight twice",
        "ours+terms.depth.weight=0.3+terms.depth=0.4": r"changes terms\.depth\.weight twice",
        "ours+samples=[": r"experiment: 'samples=\[': not YAML",
        "ours+terms={1: 2}": r"terms\.1",
        "ours+sampels=3": "unknown setting 'sampels'",
        "ours+size=96": "'size' shapes artifacts that all experiments share",
    }.items():
        with pytest.raises(DepthGError, match=message):
            load_config(BASE).resolve("demo", name)


def test_where_each_value_was_written():
    origins = load_config(BASE | {"settings": {"seeds": [1]}}).origins("demo", "ours+samples=9")
    assert origins == {
        "steps": "presets: paper",
        "batch": "datasets: demo: settings",
        "size": "datasets: demo: settings",
        "sampling": "experiments: ours",
        "terms.depth.weight": "experiments: ours",
        "samples": "the name ours+samples=9",
        "seeds": "settings",
    }


def test_a_data_set_may_have_a_preset_of_its_own():
    presets = {"paper": {}, "released": {"samples": 4}}
    datasets = {"demo": {}, "old": {"preset": "released"}}
    both = load_config(BASE | {"presets": presets, "datasets": datasets})
    assert both.resolve("demo", "ours").samples == 11 and both.resolve("old", "ours").samples == 4


def test_command_line_settings_speak_over_the_file():
    content = BASE | {"settings": {"samples": 3, "seeds": [4, 5]}}
    ours = load_config(content).resolve("demo", "ours")
    assert ours.samples == 3 and ours.seeds == [4, 5]


def test_slice_changes_only_with_its_own_settings():
    before = load_config(BASE).resolve("demo", "ours")
    changed = load_config(BASE | {"experiments": {"ours": {"terms": {"self": {"weight": 0.1}}}}})
    after = changed.resolve("demo", "ours")
    assert before.slice(CropSettings) == after.slice(CropSettings)
    assert before.slice(TrainSettings) != after.slice(TrainSettings)


def test_slice_survives_the_command_line():
    own = load_config(BASE).resolve("demo", "ours").slice(TrainSettings)
    assert parse(TrainSettings, own.model_dump_json(), "--settings") == own


def test_settings_file_may_be_yaml(tmp_path):
    (tmp_path / "crops.yaml").write_text("size: 96\n")
    assert parse(CropSettings, str(tmp_path / "crops.yaml"), "--settings").size == 96


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
        (
            BASE | {"settings": {"samples": 21}},
            ("demo", "stego"),
            "samples: 21² tokens of a crop, but 160 px make 20×20 at 8 px a token: set samples to at most 20",
        ),
        (BASE | {"settings": {"geometry": "nwe"}}, ("demo", "ours"), "unknown geometry 'nwe'"),
        (
            BASE | {"experiments": {"ours": {"sampling": "fps", "samples": 13}}, "datasets": {"demo": {}}},
            ("demo", "ours"),
            "13² is more than order_length 144 of geometries: default",
        ),
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
        load_config(content).resolve(*names)


def test_unknown_key_of_the_file():
    with pytest.raises(DepthGError, match=r"unknown key 'datsets': did you mean 'datasets'\?"):
        load_config({"datsets": {}})
    with pytest.raises(DepthGError, match=r"unknown key 'rot': did you mean 'root'\?"):
        load_config({"datasets": {"demo": {"rot": "x"}}})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            {"datasets": {"demo": {"experiments": {"ourz": {"samples": 3}}}}},
            r"datasets: demo: experiments: unknown experiment 'ourz': did you mean 'ours'\?",
        ),
        (
            {"datasets": {"demo": {"experiments": {"ours+samples=9": {}}}}},
            r"datasets: demo: experiments: unknown experiment 'ours\+samples=9'",
        ),
        ({"compared": ["stego", "ourz+samples=9"]}, r"compared: unknown experiment 'ourz\+samples=9'"),
        (
            {"depth_sources": {"lidar": {"source": "filez"}}},
            r"depth_sources: lidar: unknown source 'filez': did you mean 'files'\?",
        ),
    ],
)
def test_a_name_that_nothing_would_read_is_refused(content, message):
    with pytest.raises(DepthGError, match=rf"^config\.yaml: {message}"):
        load_config(BASE | content)


def test_what_is_compared_may_have_changes_in_its_name():
    assert load_config(BASE | {"compared": ["ours+samples=9"]}).compared == ["ours+samples=9"]


def test_unreadable_file(tmp_path):
    with pytest.raises(DepthGError, match="No such file"):
        load_config(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_text("a: [")
    with pytest.raises(DepthGError, match="not YAML"):
        load_config(tmp_path / "bad.yaml")


def test_depth_is_needed_just_where_it_is_read():
    def needs(**keys):
        return Settings(**keys).needs_geometry

    assert not needs()
    assert needs(sampling="fps") and needs(depth_loss="product") and needs(lhp="depth")


def test_named_choices_are_those_of_their_tables():
    def choices(settings, key):
        return set(get_args(settings.model_fields[key].annotation))

    tables = {
        (TrainSettings, "objective"): OBJECTIVES,
        (TrainSettings, "head"): HEADS,
        (TrainSettings, "selection"): CRITERIA,
        (TrainSettings, "sampling"): sampling.SAMPLERS,
        (TrainSettings, "reads"): sampling.READS,
        (TrainSettings, "tokens_at"): sampling.TOKENS_AT,
        (TrainSettings, "depth_at"): sampling.DEPTH_AT,
        (TrainSettings, "depth_loss"): {"none", *KERNELS},
        (TrainSettings, "depth_norm"): NORMS,
        (TrainSettings, "sample_schedule"): SAMPLE_SCHEDULES,
        (TrainSettings, "mixing"): MIXINGS,
        (EvaluateSettings, "crf_channels"): CHANNELS,
        (EvaluateSettings, "enlarged"): ENLARGED,
        (GeometrySettings, "camera"): CAMERAS,
        (GeometrySettings, "control"): controls.CONTROLS,
        (GeometrySettings, "depth_values"): controls.VALUES,
        (CropSettings, "resize"): RESIZES,
    }
    for (settings, key), table in tables.items():
        assert choices(settings, key) == set(table), key
    assert SOURCES.keys() == DEPTH_SOURCES.keys()


def test_schema_file_is_in_step(request):
    path = request.config.rootpath / "workflow/schemas/config.schema.yaml"
    assert yaml.safe_load(path.read_text()) == Config.model_json_schema(), "run `make schema`"


PUBLISHED = {  # weight and shift of self, knn, random, depth; then settings, as the paper's commands give them
    ("cocostuff", "ours"): (
        (0.58, 0.07, 0.36, 0.025, 0.70, 0.761, 0.19, 0.03),
        {"batch": 32, "code_dim": 70, "samples": 11, "sampling": "fps", "centring": True, "five_crop": True},
        {"depth_decay": 0.6, "depth_every": 250, "steps": 2334, "backbone": "dino_vits8_300ep"},
    ),
    ("cityscapes", "ours"): (
        (0.95, 0.39, 1.02, 0.25, 0.57, 0.26, 0.09, 0.03),
        {"batch": 32, "code_dim": 100, "sampling": "full", "centring": False, "five_crop": True},
        {"depth_decay": 0.8, "depth_every": 400, "backbone": "dino_vitb8"},
    ),
    ("cityscapes19", "stego"): (
        (1.0, 0.4583, 0.5775, 0.1754, 0.9059, 0.3136),
        {"batch": 32, "code_dim": 100, "sampling": "random", "centring": False, "steps": 5000},
    ),
    ("potsdam", "ours_3dlhp"): (
        (0.61, 0.20, 0.34, 0.09, 0.72, 0.63, 0.13, 0.14),
        {"batch": 16, "code_dim": 90, "sampling": "fps", "centring": True, "five_crop": False},
        {"depth_decay": 1.0, "lhp": "depth", "backbone": "dino_vits8_300ep"},
    ),
    ("potsdam", "stego"): ((0.67, 0.08, 0.25, 0.02, 0.63, 0.46), {"batch": 16, "steps": 5000}),
}


@pytest.mark.parametrize(("names", "published"), PUBLISHED.items())
def test_benchmarks_have_the_published_settings(request, names, published):
    settings = load_config(request.config.rootpath / "config.yaml").resolve(*names)
    terms, *others = published
    found = [
        x for name in ("self", "knn", "random", "depth") for x in settings.terms[name].model_dump().values()
    ]
    assert tuple(found[: len(terms)]) == terms
    for key, value in {key: value for part in others for key, value in part.items()}.items():
        assert getattr(settings, key) == value, key


def test_every_experiment_of_the_shipped_file_resolves(request):
    shipped = load_config(request.config.rootpath / "config.yaml")
    assert shipped.experiments.keys() >= {"kmeans", "stego", "ours", "ours_3dlhp"}
    for dataset in shipped.datasets:
        for experiment in shipped.experiments:
            assert shipped.resolve(dataset, experiment).steps >= 0


def test_only_what_is_compared_with_published_numbers_is_flipped_by_itself(request):
    shipped = load_config(request.config.rootpath / "config.yaml")
    benchmarks = {"cocostuff", "cityscapes", "cityscapes19", "potsdam"}
    flipped = {name for name in shipped.datasets if shipped.resolve(name, "kmeans").flip}
    assert flipped == benchmarks | {name for name in shipped.datasets if name.endswith("_released")}
    assert {shipped.resolve(name).enlarged for name in benchmarks} == {"logits"}


def test_seen_in_parallel_is_a_preset_that_changes_the_camera_alone(request):
    text = request.config.rootpath / "config.yaml"
    paper, parallel = (
        load_config(text),
        load_config(yaml.safe_load(text.read_text()) | {"preset": "parallel"}),
    )
    for dataset in ("demo", "cocostuff"):
        before, after = (shipped.resolve(dataset, "ours").model_dump() for shipped in (paper, parallel))
        assert {key for key in after if after[key] != before[key]} == {"geometry"}
        assert parallel.geometries[after["geometry"]].camera == "parallel"


ADDED = {
    "tokens": "centred",
    "codes": "joined",
    "reads": "bilinear",
    "negatives_at": "neighbor",
    "crf_channels": "bgr",
    "surplus_clusters": "left_out",
    "matching": "train",
    "flip": True,
    "enlarged": "codes",
}


@pytest.mark.parametrize(("key", "other"), ADDED.items())
def test_settings_added_later_leave_earlier_artifacts_as_they_are(key, other):
    """What is hashed, or compared by Snakemake, holds them only where they are set."""
    own = load_config(BASE).resolve("demo", "ours")
    assert key not in own.model_dump() and f'"{key}"' not in own.model_dump_json()
    changed = load_config(BASE).resolve("demo", f"ours+{key}={other}")
    assert changed.model_dump() == own.model_dump() | {key: other}
    part = next(part for part in (TrainSettings, EvaluateSettings) if key in part.model_fields)
    assert part(**changed.slice(part).model_dump()) == changed.slice(part) != own.slice(part)
    assert f"{key}: " in resolved(load_config(BASE), "demo", "ours")


def test_hidden_positives_read_whole_tokens():
    for change in ("reads=bilinear", "sampling=continuous", "negatives_at=neighbor"):
        with pytest.raises(DepthGError, match="hidden_positives reads whole tokens"):
            load_config(BASE).resolve("demo", f"ours+objective=hidden_positives+{change}")


def test_the_released_benchmarks_depart_in_every_point(request):
    shipped = load_config(request.config.rootpath / "config.yaml")
    for name in ("cocostuff", "cityscapes", "potsdam"):
        paper, released = shipped.resolve(name, "ours"), shipped.resolve(f"{name}_released", "ours")
        for key in shipped.presets["released"].keys() - {"steps", "geometry", "flip", "sampling"}:
            assert getattr(released, key) == shipped.presets["released"][key] != getattr(paper, key), key
        assert released.flip and paper.flip  # all published numbers
        assert released.batches == 2334 == paper.batches
        assert shipped.named("depth_source", released.depth).predict_on == "image"
        assert shipped.geometries[released.geometry].camera == "released"
        assert released.terms == paper.terms
    assert shipped.resolve("cityscapes", "ours").sampling == "full"
    for name in ("ours", "ours_3dlhp"):
        assert shipped.resolve("cityscapes_released", name).sampling == "continuous"
        assert shipped.resolve("cityscapes_released", name).terms == shipped.resolve("cityscapes", name).terms
    assert shipped.geometries[shipped.resolve("potsdam_released", "ours").geometry].depth_values == "integers"


@pytest.mark.parametrize("experiment", ["stego", "correlation", "lhp"])
@pytest.mark.parametrize("name", ["demo", "cocostuff", "cityscapes", "potsdam"])
def test_random_tokens_are_continuous_places_as_released(request, name, experiment):
    shipped = load_config(request.config.rootpath / "config.yaml")
    paper, released = shipped.resolve(name, experiment), shipped.resolve(f"{name}_released", experiment)
    assert (paper.sampling, paper.reads) == ("random", "tokens")
    assert (released.sampling, released.reads) == ("continuous", "bilinear")
    assert released.terms == paper.terms


@pytest.mark.parametrize(
    "name", ["my photos", "a;b", "$(touch pwned)", "-rf", "a/b", "..", "{input}", "a\nb", "n" * 101]
)
@pytest.mark.parametrize("section", ["datasets", "experiments"])
def test_a_name_that_is_no_plain_word_is_refused(section, name):
    with pytest.raises(
        DepthGError, match=rf"config\.yaml: {section}: .*: a name has up to 100 letters"
    ) as caught:
        load_config({section: {name: {}}})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["mine", "città_2.1-b", "写真"])
def test_plain_names_are_of_any_script(name):
    assert name in load_config({"datasets": {name: {}}}).datasets


def test_auto_and_hidden_positives_are_trained_as_described_whatever_the_preset(request):
    shipped = load_config(request.config.rootpath / "config.yaml")
    unread = {"depth_norm", "depth_at", "mixing", "projection"}  # without depth and hidden positives
    everywhere = [
        {
            name: value
            for name, value in shipped.resolve(dataset, "auto").slice(TrainSettings)
            if name not in unread
        }
        for dataset in shipped.datasets
    ]
    assert all(one == everywhere[0] for one in everywhere)
    assert shipped.resolve("demo_released", "stego").batches == 300  # of 900 steps
    for dataset in ("demo", "cocostuff", "cityscapes", "potsdam"):
        ours, released = (shipped.resolve(name, "stego_hp") for name in (dataset, f"{dataset}_released"))
        assert released.batches == ours.batches and released.step_unit == "batches"
