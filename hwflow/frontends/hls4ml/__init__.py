"""Networks as hls4ml sees them, after its optimizer passes, to the integer graph."""

from __future__ import annotations

from hwflow.frontends.hls4ml.convert import HANDLERS, Converted, convert_model

__all__ = ["HANDLERS", "Converted", "convert_model"]
