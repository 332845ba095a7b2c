"""What the recognition says of a layer, and how close to ±alpha weights must be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bnnc.ir import Graph, parse
from bnnc.passes.binarize import examine
from bnnc.passes.support.queries import is_power_of_two, per_channel
from bnnc.passes.support.weight_bits import BitWeights, split_weights

CONV = "strides=[1,1] pads=[0,0,0,0] dilations=[1,1] groups=1 : f32[N,1,2,2]"


def layer(before: str, weights: str = "data=[1, -1] element=f32", x: str = "%s") -> Graph:
    """A 1x1 convolution of two channels over ``x``, with ``before`` in front of it."""
    return parse(
        f"graph @g imported {{ input %x: f32[N,2,2,2] %w = const() {weights} : f32[1,2,1,1] "
        f'{before} %y = conv({x}, %w, none) {CONV} from "Conv_0" output %y as "y" }}'
    )


SIGN = "%s = sign(%x) zero=1 : f32[N,2,2,2]"


@pytest.mark.parametrize(
    ("graph", "reason"),
    [
        (layer(SIGN), "signs times ±alpha"),
        (
            layer(SIGN.replace("zero=1", "zero=0")),
            "signs times ±alpha; sign(0) = 0 stays exact",
        ),
        (
            layer(SIGN, "data=[1, -1.0000002] element=f32"),
            "signs times ±alpha; |w| spreads by 1e-07 of alpha",
        ),
        (layer("", x="%x"), "activations are float: they are a graph input"),
        (
            layer('%s = relu(%x) : f32[N,2,2,2] from "Relu_0"'),
            "activations are float: node 'Relu_0' (relu) is not a sign",
        ),
        (
            layer(SIGN, "data=[1, -1.01] element=f32"),
            (
                "weights of channel 0 are not ±alpha: off by 0.005 of alpha 1.005 "
                "(channels off: 1 of 1)"
            ),
        ),
        (
            layer(SIGN, "data=[1, 0] element=f32"),
            "weights of channel 0 are not ±alpha: off by 1 of alpha 0.5 (channels off: 1 of 1)",
        ),
        (
            layer(
                "%0 = sign(%x) zero=1 : f32[N,2,2,2] %c = const() data=[-2] element=f32 : f32[1] "
                "%s = mul(%0, %c) : f32[N,2,2,2]"
            ),
            "signs times ±alpha",
        ),
    ],
)
def test_reasons(graph: Graph, reason: str) -> None:
    (verdict,) = examine(graph)
    assert verdict.node.origin == ("Conv_0",)
    assert verdict.reason == reason
    assert verdict.binarized == reason.startswith("signs times")


FACTOR = (
    "input %f: f32[N,1,2,2] %s = sign(%x) zero=1 : f32[N,2,2,2] "
    '%p = mul(%s, %f) : f32[N,2,2,2] from "Mul_0"'
)
MULTIPLIES = "activations are float: node 'Mul_0' (mul) multiplies by a factor that varies"


@pytest.mark.parametrize(
    ("graph", "reason"),
    [
        (
            parse(
                f"graph @g imported {{ input %x: f32[N,2,2,2] {FACTOR} "
                "%w = const() data=splat(1) element=f32 : f32[1,2,1,2] %y = conv(%p, %w, none) "
                f'{CONV.replace("2,2]", "2,1]")} from "Conv_0" output %y as "y" }}'
            ),
            f"{MULTIPLIES} within the 1x2 window",
        ),
        (
            layer(FACTOR.replace("f32[N,1,", "f32[N,2,"), x="%p"),
            f"{MULTIPLIES} over the channels that are summed",
        ),
        (
            layer(FACTOR, "data=[1, 0] element=f32", x="%p"),
            "weights of channel 0 are not ±alpha: off by 1 of alpha 0.5 (channels off: 1 of 1)",
        ),
        (
            layer(
                f"{FACTOR} %i = const() data=[1, 0] element=i64 : i64[2] "
                '%q = gather(%p, %i) axis=2 : f32[N,2,2,2] from "Gather"',
                x="%q",
            ),
            "activations are float: node 'Gather' (gather) moves values together with their factor",
        ),
    ],
)
def test_reasons_of_factors(graph: Graph, reason: str) -> None:
    (verdict,) = examine(graph)
    assert verdict.reason == reason
    assert verdict.advice


def parts(weights: Any) -> tuple[BitWeights, ...]:
    """Weights that are bits."""
    split = split_weights(weights)
    assert not isinstance(split, str), split
    return split


def test_weights_of_a_straight_through_estimator() -> None:
    """(q - w) + w in float32 leaves a residue that is accepted; a trained float weight is not."""
    generator = np.random.default_rng(3)
    latent = np.clip(generator.standard_normal((8, 4, 3, 3)), -1, 1).astype(np.float32)
    alpha = np.abs(latent).mean((1, 2, 3), keepdims=True, dtype=np.float32)
    quantized = np.where(latent > 0, alpha, -alpha)
    residue = (quantized - latent) + latent
    (split,) = parts(residue)
    assert 0 < split.spread < 1e-6
    np.testing.assert_allclose(split.scale, alpha.reshape(-1), rtol=3e-7)
    np.testing.assert_array_equal(split.bases[0], latent > 0)
    assert isinstance(split_weights(latent), str)


def test_alpha_is_kept_when_every_weight_has_it() -> None:
    """A mean would round: 0.1 added 27 times and divided is another float32."""
    weights = np.full((1, 3, 3, 3), np.float32(0.1))
    (split,) = parts(weights)
    assert split.scale[0] == np.float32(0.1)
    assert split.spread == 0


def test_three_values_are_the_sum_of_two() -> None:
    """{-a, 0, b} without offsets, whichever of the three a channel has; {p, q, r} with one."""
    rows = [[-2, 0, 5, 0], [0, 5, 5, 0], [-2, -2, 5, 5], [3, 3, 3, 3], [-3, -3, -3, -3], [0] * 4]
    for weights, middle in ((rows, 0), ([*rows, [1, 2, 4, 1]], 2)):
        array = np.array(weights * 2, np.float32)
        below, above = parts(array)
        whole = sum(
            part.signs * part.scale[:, None].astype(np.float64) + part.offset[:, None]
            for part in (below, above)
        )
        np.testing.assert_array_equal(whole, array)
        np.testing.assert_array_equal(below.offset, -below.scale)
        assert (above.offset - above.scale).max() == middle
        assert min(below.scale.min(), above.scale.min()) >= 0


def test_three_values_that_are_none() -> None:
    """Four values, few weights for three levels, and a value that is off."""
    many = np.tile(np.array([[-0.7, 0, 0.4]], np.float32), (1, 4))
    assert len(parts(many)) == 2
    assert isinstance(split_weights(many[:, :3]), str)
    assert isinstance(split_weights(np.append(many, [[0.1]], 1)), str)
    many[0, 5] *= np.float32(1.00001)
    assert isinstance(split_weights(many), str)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([[np.nan, 1]], "not finite"),
        ([[np.inf, -np.inf]], "not finite"),
        ([[1e-45, -3e-45]], "not ±alpha"),
        ([[0, 1e-45]], "not ±alpha"),
        ([[1, 1], [1, 2], [0, 1]], "weights of channel 2 are not ±alpha: off by 1 of alpha 0.5"),
        (np.zeros((0, 4)), "empty"),
        (np.zeros((4, 0)), "empty"),
    ],
)
def test_weights_without_alpha(weights: object, message: str) -> None:
    reason = split_weights(np.asarray(weights, np.float32))
    assert isinstance(reason, str)
    assert message in reason


def test_a_channel_of_zeros_has_alpha_0() -> None:
    (split,) = parts(np.array([[0, -0.0], [2, -2]], np.float32))
    assert split.scale.tolist() == [0, 2]


def test_powers_of_two() -> None:
    assert is_power_of_two([0.5, -4, 1])
    for other in (0, 3, np.nan, np.inf, 2.0**100, [1, 3]):
        assert not is_power_of_two(other)


def test_per_channel() -> None:
    for shape, rank, fits in [((3, 1, 1), 4, True), ((1, 3), 2, True), ((), 4, True),
                              ((1,), 3, True), ((3,), 2, True), ((3,), 4, False),
                              ((2, 3, 1, 1), 4, False), ((1, 1, 3, 1, 1), 4, False)]:  # fmt: skip
        constants = per_channel(np.zeros(shape), rank, 3)
        assert (constants is not None) == fits, shape
        assert constants is None or constants.shape == (3,)
