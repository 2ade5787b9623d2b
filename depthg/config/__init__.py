"""The configuration: one pydantic model of all that config.yaml may say, and the settings that follow from it."""

from depthg.config.configuration import Config, load_config, load_project

__all__ = ["Config", "load_config", "load_project"]
