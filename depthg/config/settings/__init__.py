"""Settings of one experiment on one data set, and the slice of them that each stage reads.

A stage gets its slice on the command line. The slice is part of the artifact's fingerprint and a parameter of the rule,
so an artifact is made again exactly when its slice or one of its inputs changes.
"""

from typing import Self, TypeVar

from pydantic import BaseModel, Field, NonNegativeInt, model_validator

from depthg.config.settings.evaluation import ClusterSettings, EvaluateSettings
from depthg.config.settings.stages import CropSettings, GeometrySettings, NeighborSettings, ScopeSettings
from depthg.config.settings.training import DrawSettings, PoolSettings, ScheduleSettings, Term, TrainSettings

__all__ = [
    "SHARED",
    "ClusterSettings",
    "CropSettings",
    "DrawSettings",
    "EvaluateSettings",
    "GeometrySettings",
    "NeighborSettings",
    "PoolSettings",
    "ScheduleSettings",
    "ScopeSettings",
    "Settings",
    "Term",
    "TrainSettings",
]

SHARED = (CropSettings, NeighborSettings, ScopeSettings)
M = TypeVar("M", bound=BaseModel)


class Settings(  # pydantic lists the fields of the last base first: read upwards, this is the data flow
    EvaluateSettings, ClusterSettings, TrainSettings, NeighborSettings, ScopeSettings, CropSettings
):
    """All settings of one experiment on one data set."""

    backbone: str = Field("dino_vits8", description="a name under backbones")
    depth: str = Field("zoedepth", description="a name under depth_sources")
    geometry: str = Field("default", description="a name under geometries")
    seeds: list[NonNegativeInt] = Field([0], min_length=1, description="random seeds, one training run each")

    @model_validator(mode="after")
    def _stages_agree(self) -> Self:
        if self.neighbors > self.keep:
            raise ValueError(f"neighbors: ranks 1 … {self.neighbors} but only {self.keep} are kept (keep)")
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError("seeds: each only once")
        if self.training_crops == "scheduled" and self.objective == "hidden_positives":
            raise ValueError("objective: hidden_positives draws from all crops: set training_crops to all")
        if self.training_crops == "scheduled" and self.selection == "loss":
            raise ValueError("selection: loss looks at crops that are not drawn: set training_crops to all")
        return self

    @property
    def training_split(self) -> str:
        """Folder of the stores that training reads: `train` (all training crops) or `scheduled`."""
        return "train" if self.training_crops == "all" else "scheduled"

    def slice(self, part: type[M]) -> M:
        """The settings that one stage depends on: the fields of the class `part`."""
        return part(**{name: getattr(self, name) for name in part.model_fields})
