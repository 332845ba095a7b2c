"""The order of the passes, as data."""

from __future__ import annotations

from .base import Pass
from .binarize import Binarized
from .canonicalize import Canonicalize
from .choose_layouts import ChooseLayouts
from .codebook import CodebookWords
from .concat_last import ConcatLast
from .constant_fold import ConstantFold
from .dead_code import DeadCode
from .fold_scale import FoldScale
from .fuse_conv_bn import FuseConvBn
from .fuse_epilogue import FuseEpilogue
from .integer_products import IntegerProducts
from .memory_plan import MemoryPlan
from .pack_bits import PackBits
from .select_kernels import SelectKernels
from .threshold import Thresholds


def recognition() -> tuple[Pass, ...]:
    """Up to the graph on which layers are recognised as binary."""
    return (DeadCode(), ConstantFold(), Canonicalize(), ConstantFold())


def default(exact_float: bool = False) -> tuple[Pass, ...]:
    """From an imported graph to a scheduled one; ``exact_float`` leaves out what rounds."""
    return (
        *recognition(),
        Binarized(),
        IntegerProducts(),
        FuseConvBn(exact=exact_float),
        Thresholds(),
        FoldScale(exact=exact_float),
        ConstantFold(),
        ConcatLast(),
        CodebookWords(),
        PackBits(),
        FuseEpilogue(),
        ChooseLayouts(),
        SelectKernels(),
        MemoryPlan(),
    )
