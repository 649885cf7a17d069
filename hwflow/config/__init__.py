"""design.yaml as typed data, with the place of every key."""

from __future__ import annotations

from hwflow.config.design import (
    BACKEND_RUNGS,
    RUNGS,
    BudgetConfig,
    Builder,
    CornersConfig,
    DataConfig,
    DesignConfig,
    FoldConfig,
    HardwareConfig,
    HlsConfig,
    LayerFoldConfig,
    Limit,
    ModelConfig,
    ProjectConfig,
    ReportConfig,
    SynthConfig,
    TrainConfig,
    VerifyConfig,
    as_json,
)
from hwflow.config.load import json_schema, load_design

__all__ = [
    "BACKEND_RUNGS",
    "RUNGS",
    "BudgetConfig",
    "Builder",
    "CornersConfig",
    "DataConfig",
    "DesignConfig",
    "FoldConfig",
    "HardwareConfig",
    "HlsConfig",
    "LayerFoldConfig",
    "Limit",
    "ModelConfig",
    "ProjectConfig",
    "ReportConfig",
    "SynthConfig",
    "TrainConfig",
    "VerifyConfig",
    "as_json",
    "json_schema",
    "load_design",
]
