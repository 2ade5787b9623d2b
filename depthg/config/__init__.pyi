from .configuration import Config as Config
from .project import load_config as load_config
from .project import load_project as load_project
