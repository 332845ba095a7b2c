"""The order of the passes, as data."""

from __future__ import annotations

from .binarize import Binarize
from .canonicalize import Canonicalize
from .choose_layouts import ChooseLayouts
from .codebook import Codebook
from .common_subexpressions import CommonSubexpressions
from .concat_last import ConcatLast
from .constant_fold import ConstantFold
from .dead_code import DeadCode
from .factor_out import FactorOut
from .fold_scale import FoldScale
from .fuse_conv_bn import FuseConvBn
from .fuse_epilogue import FuseEpilogue
from .integer_products import IntegerProducts
from .manager import Pass
from .memory_plan import MemoryPlan
from .mst_reorder import MstReorder
from .pack_bits import PackBits
from .pack_weights import PackWeights
from .select_kernels import SelectKernels
from .straight_through import StraightThrough
from .threshold import Threshold


def recognition(exact_float: bool = False) -> tuple[Pass, ...]:
    """Up to the graph on which layers are recognised as binary, or as products of integers."""
    return (
        DeadCode(),
        ConstantFold(),
        Canonicalize(),
        ConstantFold(),
        CommonSubexpressions(),
        *(() if exact_float else (StraightThrough(),)),
        FactorOut(exact=exact_float),
    )


def default(
    exact_float: bool = False, reuse: bool = True, mst_max_depth: int = 0
) -> tuple[Pass, ...]:
    """From an imported graph to a scheduled one: `recognition`, `rewriting`, `scheduling`."""
    return (*recognition(exact_float), *rewriting(exact_float, reuse, mst_max_depth), *scheduling())


def rewriting(
    exact_float: bool = False, reuse: bool = True, mst_max_depth: int = 0
) -> tuple[Pass, ...]:
    """From the graph on which layers are recognised to fused regions on packed bits.

    ``exact_float`` leaves out what rounds; ``reuse`` has kernels reuse sums, along trees of at most
    ``mst_max_depth`` edges from a root (0: any number).
    """
    shared = (MstReorder(mst_max_depth), Codebook()) if reuse else ()
    return (
        Binarize(),
        IntegerProducts(exact=exact_float),
        PackWeights(exact=exact_float),
        FuseConvBn(exact=exact_float),
        Threshold(),
        FoldScale(exact=exact_float),
        ConstantFold(),
        CommonSubexpressions(),
        ConcatLast(),
        Threshold(),
        *shared,
        PackBits(),
        FuseEpilogue(),
    )


def scheduling() -> tuple[Pass, ...]:
    """What decides by costs, and then plans the memory."""
    return (ChooseLayouts(), SelectKernels(), MemoryPlan())
