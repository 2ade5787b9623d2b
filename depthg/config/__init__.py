"""The configuration: a pydantic model of config.yaml, and the settings that each experiment resolves to."""

from depthg.config.configuration import Config
from depthg.config.project import load_config, load_project

__all__ = ["Config", "load_config", "load_project"]
