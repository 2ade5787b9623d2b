"""What a model of the workflow was made with: the part of the configuration that its folder must remember."""

from typing import Self

from pydantic import Field

from depthg.config.base import Model
from depthg.config.configuration import Config
from depthg.config.sections import Backbone, Stored
from depthg.config.settings import Settings


class Recipe(Model):
    """The settings of an experiment on a data set, and the backbone that they name."""

    settings: Settings = Field(description="all settings of the experiment")
    network: str = Field(description="name of the backbone that is run; its features may be projected")
    backbone: Backbone = Field(description="its entry in config.yaml")
    stored: Stored = Field("float16", description="storage type of the tokens that the head was trained on")

    @classmethod
    def of(cls, config: Config, dataset: str, experiment: str) -> Self:
        """The recipe of an experiment, as a configuration says.

        Raises:
            DepthGError: a name is unknown, or a setting is out of range.
        """
        settings = config.resolve(dataset, experiment)
        named = config.named("backbone", settings.backbone)
        network = named.of or settings.backbone
        return cls(
            settings=settings,
            network=network,
            backbone=config.named("backbone", network),
            stored=named.stored,
        )
