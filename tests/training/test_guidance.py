import pytest

from depthg.config.settings import Term, TrainSettings
from depthg.training.guidance import SAMPLE_SCHEDULES, active_terms

SETTINGS = TrainSettings(depth_loss="product", depth_decay=0.6, depth_every=250)


@pytest.mark.parametrize(("step", "decays"), [(0, 0), (249, 0), (250, 1), (499, 1), (500, 2), (2333, 9)])
def test_weight_and_shift_of_depth_decay_by_steps(step, decays):
    terms = active_terms(SETTINGS, step)
    weight, shift = 0.19, 0.03
    for _ in range(decays):
        weight, shift = weight * 0.6, shift * 0.6
    assert terms["depth"].weight == pytest.approx(weight)
    assert terms["depth"].shift == pytest.approx(shift)
    assert {name: terms[name] for name in ("self", "knn", "random")} == {
        name: SETTINGS.terms[name] for name in ("self", "knn", "random")
    }


def test_no_decay():
    settings = SETTINGS.model_copy(update={"depth_decay": 1.0})
    assert active_terms(settings, 9999)["depth"] == settings.terms["depth"]


def test_terms_that_are_off_are_left_out():
    assert "depth" not in active_terms(TrainSettings(depth_loss="none"), 0)
    silent = {**SETTINGS.terms, "knn": Term(weight=0, shift=0.1), "depth": Term(weight=0, shift=0.1)}
    assert set(active_terms(SETTINGS.model_copy(update={"terms": silent}), 0)) == {"self", "random"}


def test_released_samples_fall_at_once_and_then_twice():
    steps = [0, 1, 999, 1000, 1999, 2000, 2333]
    assert [SAMPLE_SCHEDULES["released"](11, step) for step in steps] == [11, 9, 9, 8, 8, 7, 7]
    assert {SAMPLE_SCHEDULES["constant"](11, step) for step in steps} == {11}
    assert SAMPLE_SCHEDULES["released"](2, 2000) == 1
