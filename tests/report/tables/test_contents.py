"""Which rows a table has, and which of them can be run."""

import pytest

from depthg.config import load_config
from depthg.errors import DepthGError
from depthg.report.tables.contents import plan_table


def test_on_its_own_data_set_all_rows_stand_beside_the_paper(config):
    planned = plan_table(config, "table1")
    assert [row.system for row in planned.rows] == [row.system for row in config.tables["table1"].rows]
    assert planned.rows[1].paper == {"acc": 48.3, "miou": 24.5} and planned.reference is None
    assert planned.metrics[:2] == ["results/coco/stego/metrics.json", "results/coco/ours/metrics.json"]
    assert plan_table(config, "table1", "coco") == planned


def test_quoted_systems_have_no_run(config):
    quoted = plan_table(config, "table1").rows[0]
    assert quoted.run is None and quoted.unavailable is None


def test_a_network_that_is_not_configured_is_told_and_not_asked_for(config):
    planned = plan_table(config, "table1")
    row = next(row for row in planned.rows if row.system == "MiDaS")
    assert row.run is None and "unknown depth_source 'midas'" in row.unavailable
    assert not any("midas" in path for path in planned.metrics)


def test_a_data_set_that_is_not_configured_is_told(config):
    planned = plan_table(config, "table9")
    assert planned.metrics == [] and "unknown dataset 'moon'" in planned.rows[1].unavailable
    assert planned.rows[1].paper == {"acc": 48.3, "miou": 24.5}


def test_elsewhere_only_what_uses_the_networks_of_the_data_set(config):
    planned = plan_table(config, "table1", "demo")
    assert [row.system for row in planned.rows] == ["STEGO", "own", "plane", "attention"]
    assert {row.backbone for row in planned.rows} == {"cnn"}
    assert not any(row.paper or row.note for row in planned.rows) and planned.reference == "stego"


def test_a_cnn_has_no_attention(config):
    assert plan_table(config, "table1", "demo").rows[-1].unavailable == "backbone cnn has no attention"
    assert plan_table(config, "table1").rows[-1].run is not None


def test_scores_are_those_that_the_paper_reports_and_always_miou(config):
    assert plan_table(config, "table1").scores == ["acc", "miou"]
    assert not plan_table(config, "table1").publishes("lin_acc")


def test_unknown_names_are_errors(config):
    with pytest.raises(DepthGError, match="unknown table 'table2': did you mean 'table"):
        plan_table(config, "table2")
    with pytest.raises(DepthGError, match="unknown dataset 'dmo': did you mean 'demo'"):
        plan_table(config, "table1", "dmo")


@pytest.mark.parametrize("dataset", [None, "demo"])
def test_a_wrong_setting_is_an_error_and_no_missing_network(config, dataset):
    wrong = config.model_copy(update={"settings": {"step": 3}})
    with pytest.raises(DepthGError, match="unknown setting 'step': did you mean 'steps'"):
        plan_table(wrong, "table1", dataset)


def test_a_row_of_no_experiment_is_refused():
    table = {
        "title": "t",
        "dataset": "d",
        "reference": "ours",
        "rows": [{"system": "s", "experiment": "our+a=1"}],
    }
    with pytest.raises(DepthGError, match=r"tables: t: unknown experiment 'our\+a=1'"):
        load_config({"experiments": {"ours": {}}, "tables": {"t": table}})


def test_shipped_tables_hold_what_the_paper_prints(request):
    shipped = load_config(request.config.rootpath / "config.yaml")
    published = {name: table for name, table in shipped.tables.items() if table.has_paper_figures}
    assert list(published) == [f"table{number}" for number in range(1, 7)]
    assert [len(table.rows) for table in published.values()] == [14, 6, 7, 6, 6, 3]
    ours = {
        name: [row.paper for row in table.rows if row.experiment == "ours"]
        for name, table in published.items()
    }
    assert ours["table2"] == [{"acc": 81.6, "miou": 23.1}] and ours["table3"] == [{"acc": 80.4}]
    assert ours["table4"] == ours["table5"] == ours["table6"] == [{"acc": 56.3, "miou": 25.6}]


def test_shipped_experiments_for_vit_b_have_the_published_settings(request):
    shipped = load_config(request.config.rootpath / "config.yaml")
    ours, stego = (shipped.resolve("cocostuff", f"{name}_vitb8") for name in ("ours", "stego"))
    assert (ours.code_dim, ours.samples, ours.depth_decay, ours.depth_every) == (90, 12, 0.64, 100)
    assert (ours.terms["depth"].weight, ours.terms["depth"].shift) == (0.1603, 0.0359)
    assert (stego.steps, stego.code_dim, stego.terms["random"].shift) == (5000, 90, 1.0)
    assert ours.backbone == stego.backbone == "dino_vitb8"


def test_a_table_of_our_own_is_held_against_its_reference(request):
    found = plan_table(load_config(request.config.rootpath / "config.yaml"), "depth")
    assert (found.dataset, found.reference) == ("demo", "stego")
    assert not any(row.unavailable or row.paper for row in found.rows)
