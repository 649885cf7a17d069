"""Files of Keras 3 with HGQ2 layers, every element of a tensor with bits of its own.

Read without Keras: the archive's JSON and arrays alone. What HGQ2 computes in float32 is exact
while sums stay below 2^24 of their steps, and then equals the integer graph bit for bit.
"""

from __future__ import annotations

from hwflow.frontends.hgq.lower import read

__all__ = ["read"]
