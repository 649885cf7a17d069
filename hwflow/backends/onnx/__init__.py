"""Integer graphs as ONNX files for other tools."""

from __future__ import annotations

from hwflow.backends.onnx.export import FORMATS, export_onnx

__all__ = ["FORMATS", "export_onnx"]
