"""hwflow: from a trained network to proven RTL and honest figures.

Importing this package loads nothing heavy: neither TensorFlow nor Amaranth.
"""

from __future__ import annotations

__all__ = ["__version__"]

__version__ = "0.1.0"
