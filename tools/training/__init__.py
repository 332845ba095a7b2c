"""Training binary networks that bnnc runs fast; needs PyTorch (``bnnc[torch]``).

`mst_loss` shortens the trees along which output channels are computed, `Codebook` draws kernels
from few words, `check_folds` says whether every BatchNorm becomes constants (docs/training.md).
``reuse`` trains, compiles and measures such networks; ``mnist`` trained the model in the tests.
"""

from .binarizers import STE, Binarizer, BiPer, ReSTE, anneal
from .codebook_weights import Codebook
from .deploy import check_folds, fold
from .sign_layers import BinaryConv2d, BinaryLinear, binary_layers, clip_latent
from .tree_regularizer import falling_target, mst_loss, tree_share

__all__ = [
    "STE",
    "BiPer",
    "Binarizer",
    "BinaryConv2d",
    "BinaryLinear",
    "Codebook",
    "ReSTE",
    "anneal",
    "binary_layers",
    "check_folds",
    "clip_latent",
    "falling_target",
    "fold",
    "mst_loss",
    "tree_share",
]
