"""Modules through both exporters of PyTorch, with a symbolic batch: the graphs that users bring."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from exporter_support import EXPORTERS, export
from frontend_support import check, op_names, values
from torch import Tensor, nn

from bnnc.errors import ModelError
from bnnc.frontend import load_model

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning",
                                        "ignore::torch.jit.TracerWarning")  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def imported(module: nn.Module, shape: tuple[int, ...], exporter: str, rtol: float = 1e-5) -> Any:
    """The graph, once it computes the same as ONNX Runtime for batches of one and three."""
    proto = export(module, shape, exporter)
    name = proto.graph.input[0].name
    for batch in (1, 3):
        graph = check(proto, {name: values(batch, *shape[1:])}, rtol)
    assert graph.inputs[0].type.symbolic
    return graph


def polynomial(x: Tensor) -> Tensor:
    """The straight-through estimator of Bi-Real Net, without detach."""
    mask1, mask2, mask3 = x < -1, x < 0, x < 1
    out = (-1) * mask1.float() + (x * x + 2 * x) * (1 - mask1.float())
    out = out * mask2.float() + (-x * x + 2 * x) * (1 - mask2.float())
    return out * mask3.float() + 1 * (1 - mask3.float())


class Binary(nn.Module):
    """Learnable shift, straight-through sign, binary convolution, normalisation, skip."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(1)
        self.weight = nn.Parameter(torch.randn(8, 8, 3, 3, generator=generator))
        self.shift = nn.Parameter(torch.randn(1, 8, 1, 1, generator=generator) * 0.1)
        self.norm, self.act = nn.BatchNorm2d(8), nn.PReLU(8)

    def forward(self, x: Tensor) -> Tensor:
        shifted = x + self.shift.expand_as(x)
        p = polynomial(shifted)
        signs = torch.sign(shifted).detach() - p.detach() + p
        scale = self.weight.abs().mean((1, 2, 3), keepdim=True).detach()
        q = scale * torch.sign(self.weight)
        clipped = torch.clamp(self.weight, -1, 1)
        w = q.detach() - clipped.detach() + clipped
        return self.act(self.norm(F.conv2d(signs, w, padding=1))) + x


class Shuffling(nn.Module):
    """Everything that moves channels and flattens."""

    def forward(self, x: Tensor) -> Tensor:
        n, c, h, w = x.shape
        y = x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)
        a, b = y.chunk(2, 1)
        y = torch.cat([b, a, y[:, ::2]], 1)
        y = F.pad(y[:, :, ::2, ::2], (0, 0, 0, 0, 2, 2))
        y = torch.sign(F.pad(y, (1, 1, 1, 1), value=1.0))
        pooled = F.adaptive_avg_pool2d(y, 1).view(y.size(0), -1)
        return torch.cat([pooled, y.flatten(1), y.mean((2, 3)), y[:, 3].reshape(n, -1)], 1)


class Masked(nn.Module):
    """sign(0) = +1 by assignment through a mask."""

    def forward(self, x: Tensor) -> Tensor:
        y = torch.sign(torch.relu(x)).clone()
        y[y == 0] = 1
        return torch.where(x >= 0, 1.0, -1.0) + y


class Attention(nn.Module):
    """Binary attention: run-time products, softmax, layer normalisation, GELU."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(2)
        self.q, self.k, self.v = (nn.Linear(16, 16) for _ in range(3))
        self.norm, self.out = nn.LayerNorm(16), nn.Linear(16, 16)

    def heads(self, x: Tensor) -> Tensor:
        return x.view(x.size(0), x.size(1), 4, 4).permute(0, 2, 1, 3)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (self.heads(f(x)) for f in (self.q, self.k, self.v))
        scores = torch.matmul(torch.sign(q), torch.sign(k).transpose(-1, -2)) / 2
        mixed = torch.matmul(torch.softmax(scores, -1), v).permute(0, 2, 1, 3).reshape(x.shape)
        return F.gelu(self.norm(self.out(mixed) + x))


class Activations(nn.Module):
    """Pools and activation functions."""

    def forward(self, x: Tensor) -> Tensor:
        y = F.max_pool2d(F.hardtanh(x), 3, 2, 1, ceil_mode=True)
        y = F.avg_pool2d(F.leaky_relu(y, 0.1), 2, 1, 1, count_include_pad=True)
        y = F.hardswish(y) + F.silu(y) + F.hardsigmoid(y) + F.softplus(y) + F.elu(y)
        return F.log_softmax(F.dropout(y, training=self.training).amax((2, 3)), 1)


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_binary_block(exporter: str) -> None:
    module = Binary()
    with torch.no_grad():
        module.norm.running_mean.normal_(0, 0.3)
        module.norm.running_var.uniform_(0.5, 2)
    names = op_names(imported(module, (1, 8, 6, 6), exporter))
    assert names.count("sign") == 1
    assert not {"less", "cast", "sub"} & set(names)


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_shape_arithmetic_with_a_symbolic_batch(exporter: str) -> None:
    names = op_names(imported(Shuffling(), (1, 4, 6, 6), exporter))
    assert set(names) <= {
        "reshape", "transpose", "slice", "concat", "pad", "sign", "reduce_mean", "average_pool",
    }  # fmt: skip


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_masked_assignment(exporter: str) -> None:
    assert op_names(imported(Masked(), (1, 3, 4, 4), exporter)) == ["relu", "sign", "sign", "add"]


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_attention(exporter: str) -> None:
    names = op_names(imported(Attention(), (1, 5, 16), exporter))
    assert names.count("sign") == 2
    assert names.count("mat_mul") == 2
    assert names.count("gemm") == 4


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_activations(exporter: str) -> None:
    imported(Activations(), (1, 4, 7, 7), exporter)


def test_weights_beside_the_model(tmp_path: Path) -> None:
    """The dynamo exporter writes weights to a file of their own by default."""
    path = tmp_path / "model.onnx"
    torch.onnx.export(
        Binary().eval(), (torch.zeros(1, 8, 6, 6),), path, dynamo=True, external_data=True,
        verbose=False,
    )  # fmt: skip
    assert (tmp_path / "model.onnx.data").exists()
    assert "conv" in op_names(load_model(path).graph)
    (tmp_path / "model.onnx.data").unlink()
    with pytest.raises(ModelError, match=r"external data of tensor .* is missing"):
        load_model(path)
