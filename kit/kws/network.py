"""The network of the keyword spotter: depthwise-separable convolutions over time. Needs torch.

After the DS-CNN of Zhang et al. 2017 ("Hello Edge: Keyword Spotting on Microcontrollers"), with
coefficients as channels (Choi et al. 2019, "Temporal convolution for real-time keyword spotting").
"""

import torch
from torch import nn


class SpotterNetwork(nn.Module):
    """Normalised features [n, frames, coeffs] -> logits [n, words].

    channels: of every layer. blocks: depthwise-separable ones, each with a way around it.
    kernel: frames seen by a depthwise layer, where the first layer has left one in four: with
    the defaults of `Settings` every output sees the whole second.
    """

    def __init__(self, coeffs, words, channels, blocks, kernel):
        super().__init__()
        self.first = nn.Conv2d(coeffs, channels, (8, 1), (4, 1), padding=(4, 0), bias=False)
        self.norm = nn.BatchNorm2d(channels)
        self.blocks = nn.Sequential(*(Separable(channels, kernel) for _ in range(blocks)))
        self.drop = nn.Dropout(0.1)
        self.last = nn.Linear(channels, words)
        self.to(memory_format=torch.channels_last)  # three times as fast on a CPU

    def forward(self, features):
        """Logits, float32[n, words]."""
        x = features.transpose(1, 2)[..., None]  # [n, coeffs, frames, 1], coeffs lie side by side
        x = torch.relu(self.norm(self.first(x)))
        x = self.blocks(x)
        return self.last(self.drop(x.mean((2, 3))))


class Separable(nn.Module):
    """Each channel over time, then all channels at each time; the input is added."""

    def __init__(self, channels, kernel):
        super().__init__()
        self.depthwise = nn.Conv2d(
            channels, channels, (kernel, 1), padding=(kernel // 2, 0), groups=channels, bias=False
        )
        self.norm = nn.BatchNorm2d(channels)
        self.pointwise = nn.Conv2d(channels, channels, 1, bias=False)
        self.norm_out = nn.BatchNorm2d(channels)

    def forward(self, x):
        """Same shape as `x`, [n, channels, frames, 1]."""
        inner = torch.relu(self.norm(self.depthwise(x)))
        return torch.relu(x + self.norm_out(self.pointwise(inner)))
