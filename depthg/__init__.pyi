# configuration
from .config import Config as Config
from .config import load_config as load_config
from .config.sections import Backbone as Backbone
from .config.sections import DepthSource as DepthSource
from .config.settings import GeometrySettings as GeometrySettings
from .config.settings import Settings as Settings
from .config.settings import TrainSettings as TrainSettings
from .errors import DepthGError as DepthGError

# evaluation
from .evaluation.clustering import fit_centroids as fit_centroids
from .evaluation.crf import refine as refine
from .evaluation.linear import fit_linear as fit_linear
from .evaluation.metrics import Score as Score
from .evaluation.metrics import confusion as confusion
from .evaluation.metrics import majority as majority
from .evaluation.metrics import match as match
from .evaluation.metrics import score as score

# a trained model, applied
from .inference.segmentation import Segmentation as Segmentation
from .inference.segmenter import Segmenter as Segmenter

# losses and training
from .losses.correlation import centre as centre
from .losses.correlation import correlation as correlation
from .losses.correlation import correlation_loss as correlation_loss
from .losses.correlation import unit as unit
from .losses.depth import KERNELS as KERNELS

# models
from .models.backbones import DenseBackbone as DenseBackbone
from .models.checkpoint import Model as Model
from .models.checkpoint import load_model as load_model
from .models.checkpoint import save_model as save_model
from .models.heads import HEADS as HEADS
from .models.heads import SegmentationHead as SegmentationHead

# crops, depth, geometry
from .stages.camera import CAMERAS as CAMERAS
from .stages.camera import central_token as central_token
from .stages.camera import unproject as unproject
from .stages.crops import crop_boxes as crop_boxes
from .stages.crops import five_crop as five_crop
from .stages.depth import DEPTH_SOURCES as DEPTH_SOURCES
from .stages.geometry import farthest_point_order as farthest_point_order
from .stages.geometry import nearest_tokens as nearest_tokens
from .stages.geometry import pool_depth as pool_depth

# stores
from .store.arrays import Array as Array
from .store.reader import Store as Store
from .store.tokens import TokenStore as TokenStore
from .store.writer import Writer as Writer
from .training.loop import train as train
from .training.objective import OBJECTIVES as OBJECTIVES
from .training.sampling import SAMPLERS as SAMPLERS

__version__: str
