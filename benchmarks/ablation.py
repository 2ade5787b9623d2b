"""Cost of an additional ablation relative to the first run, extrapolated to COCO-Stuff from the measurements."""

from collections.abc import Mapping, Sequence

from benchmarks.measure import Cost, Row, Target
from depthg.config.settings import TrainSettings
from depthg.stages.neighbors import BATCH

TRAINING, VALIDATION = 5 * 97_702, 2_175  # crops
NEEDED = ("features", "geometry", "neighbours", "training step", "CRF and counts")
SEARCHED = 20_000  # vectors, in the row of the neighbours


def derived(rows: Sequence[Row]) -> list[Row]:
    """One row; none if a required stage was not measured."""
    found: dict[str, Row] = {}
    for row in rows:
        found.setdefault(row.stage, row)
    if not all(stage in found for stage in NEEDED):
        return []
    further = _seconds_of_results(found)
    first = _seconds_of_artifacts(found) + further
    row = Row(
        "a further ablation",
        f"COCO-Stuff: {TRAINING:,} + {VALIDATION:,} crops, {TrainSettings().batches:,} steps",
        Cost((further,)),
        Cost((first,)),
        "the first run",
        target=Target("ratio", 10),
        note="worked out from the rows above, not run. It passes no crop through the backbone, which the tests of "
        "the workflow see to; the depth network, which makes a first run longer still, and the probes are left out",
    )
    return [row]


def _seconds_of_artifacts(rows: Mapping[str, Row]) -> float:
    """Cost of features, geometry and neighbours, which all experiments share."""
    each = {stage: 1 / rows[stage].throughput for stage in ("features", "geometry")}
    pairs = TRAINING**2 / (BATCH * SEARCHED)
    search = rows["neighbours"].ours.seconds * pairs
    return each["features"] * (TRAINING + VALIDATION * 2) + each["geometry"] * TRAINING + search


def _seconds_of_results(rows: Mapping[str, Row]) -> float:
    """Cost of training, and of the CRF for two maps per validation crop."""
    refined = 2 * VALIDATION / rows["CRF and counts"].throughput
    return TrainSettings().batches * rows["training step"].ours.seconds + refined
