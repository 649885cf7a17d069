"""PyTorch networks in the style of hls4ml's documentation and tests, with random weights."""

from __future__ import annotations

from typing import Any

from tests.plugin.spec import Spec

__all__ = ["TORCH"]


def _filled(model: Any) -> Any:
    """Weights and statistics that a training could have given."""
    import torch

    torch.manual_seed(0)
    with torch.no_grad():
        for name, values in (*model.named_parameters(), *model.named_buffers()):
            if name.endswith("running_var"):
                values.uniform_(0.4, 1.6)
            elif values.is_floating_point():
                fan = max(values[0].numel(), 1) if values.dim() > 1 else 9
                values.normal_(0, 0.9 / fan**0.5)
    return model.eval()


def _dense() -> Any:
    from torch import nn

    return _filled(
        nn.Sequential(
            nn.Linear(16, 12), nn.ReLU(), nn.Linear(12, 8), nn.BatchNorm1d(8), nn.ReLU(),
            nn.Linear(8, 5),
        )
    )  # fmt: skip


def _conv1d() -> Any:
    from torch import nn

    return _filled(
        nn.Sequential(
            nn.Conv1d(3, 6, 3, padding=1), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(6, 4, 3),
            nn.LeakyReLU(0.125), nn.Flatten(), nn.Linear(4 * 4, 3),
        )
    )  # fmt: skip


def _conv2d() -> Any:
    from torch import nn

    return _filled(
        nn.Sequential(
            nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.AvgPool2d(2),
            nn.Conv2d(4, 3, 2, stride=1), nn.ReLU(), nn.Flatten(), nn.Linear(3 * 2 * 2, 4),
        )
    )  # fmt: skip


def _residual() -> Any:
    import torch
    from torch import nn

    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second, self.last = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 3)

        def forward(self, x: Any) -> Any:
            y = self.second(torch.relu(self.first(x)))
            return self.last(torch.relu(y + x))

    return _filled(Residual())


def _spec(build: Any, *shape: int, **more: Any) -> Spec:
    return Spec(build, family="pytorch", configured={"input_shape": (None, *shape)}, **more)


TORCH: dict[str, Spec] = {
    "torch_dense": _spec(
        _dense,
        16,
        types={
            "_1": {"result": "ufixed<8,3,RND,SAT>"},
            "_5": {"result": "fixed<10,4,RND_CONV,SAT>"},
        },
    ),
    "torch_dense_reuse": _spec(
        _dense,
        16,
        types={"_1": {"result": "ufixed<8,3,RND,SAT>"}},
        config={"_0": {"ReuseFactor": 8}, "_2": {"ReuseFactor": 4}},
        model={"Strategy": "Resource"},
    ),
    "torch_conv1d": _spec(_conv1d, 3, 12, default="fixed<12,4>"),
    "torch_conv2d": _spec(
        _conv2d, 2, 8, 8, default="fixed<10,4>", types={"_2": {"result": "ufixed<7,3,RND,SAT>"}}
    ),
    "torch_residual": _spec(_residual, 8, default="fixed<12,5>"),
}
"""Networks that hls4ml reads with convert_from_pytorch_model, by name; they need torch."""
