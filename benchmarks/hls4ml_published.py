"""Published figures of hls4ml for the 16-64-32-32-5 jet tagger and its neighbours.

Each row was read in the source it names; figures that could not be found there are left out. No
HLS tool has run here.
"""

from __future__ import annotations

__all__ = ["NONZERO", "PUBLISHED"]

_FINNAS = "E. Chauffour et al., FINNAS, arXiv:2609.16367v1, table II"
_QKERAS = f"{_FINNAS}, quoting C. Coelho et al., Nature Mach. Intell. 3 (2021) 675"
_HGQ = f"{_FINNAS}, quoting C. Sun et al., arXiv:2405.00645"
_RUN = (
    "github.com/Liu-Zhiheng/hls4ml-pynqz2-vivado2019-2-results (hls4ml 1.2.0, Vivado HLS 2019.2, "
    "the tutorial's network)"
)
_REPORT = f"{_RUN}, vivado_reports"

NONZERO = (243, 438, 242, 40)
"""Weights that are not zero, layer by layer, in the 6-bit network of the run above, trained with
75% sparsity (its cpu_baseline/generated/manifest.json)."""

PUBLISHED: tuple[dict[str, object], ...] = (
    {
        "by": "hls4ml, reuse 1",
        "network": "QKeras, 74.8% accuracy (taken for 6 bits; bits, density not stated)",
        "device": "xcvu9p",
        "LUT": 39782,
        "FF": 8128,
        "DSP": 124,
        "clock, MHz": 200,
        "latency, ns": 55.0,
        "interval": 1,
        "kind": "published",
        "scope": "clock about 200 MHz; HLS estimate or placed: not stated there",
        "source": _QKERAS,
    },
    {
        "by": "hls4ml, reuse 1",
        "network": "QKeras, 72.3% accuracy (taken for heterogeneous bits; not stated)",
        "device": "xcvu9p",
        "LUT": 9149,
        "FF": 1781,
        "DSP": 66,
        "clock, MHz": 200,
        "latency, ns": 55.0,
        "interval": 1,
        "kind": "published",
        "scope": "clock about 200 MHz; HLS estimate or placed: not stated there",
        "source": _QKERAS,
    },
    {
        "by": "HGQ",
        "network": "bits per element, 75.3% accuracy: other widths",
        "device": "xcvu13p",
        "LUT": 10921,
        "FF": 11183,
        "DSP": 0,
        "clock, MHz": 578.4,
        "latency, ns": 31.1,
        "interval": 1,
        "kind": "published",
        "scope": "clock is Fmax; HLS estimate or placed: not stated there",
        "source": _HGQ,
    },
    {
        "by": "HGQ",
        "network": "bits per element, 75.1% accuracy: other widths",
        "device": "xcvu13p",
        "LUT": 5974,
        "FF": 5775,
        "DSP": 0,
        "clock, MHz": 609.8,
        "latency, ns": 24.6,
        "interval": 1,
        "kind": "published",
        "scope": "clock is Fmax; HLS estimate or placed: not stated there",
        "source": _HGQ,
    },
    {
        "by": "hls4ml, reuse 1",
        "network": "same layers, trained in float (fixed-point widths not stated)",
        "device": "xcu250",
        "LUT": 109753,
        "FF": 12562,
        "DSP": 2118,
        "BRAM": 2,
        "clock, MHz": 200,
        "latency, clocks": 12,
        "latency, ns": 60.0,
        "interval": 1,
        "kind": "published",
        "scope": "HLS estimate, softmax included",
        "source": f"{_RUN}, results/RESULTS_VIVADO2019_2.md",
    },
    {
        "by": "hls4ml, reuse 64",
        "network": "same layers and bits, trained",
        "density, %": 22.6,
        "device": "xc7z020",
        "LUT": 34823,
        "FF": 21312,
        "DSP": 9,
        "BRAM": 2,
        "clock, MHz": 200,
        "latency, clocks": 55,
        "latency, ns": 275.0,
        "interval": 15,
        "kind": "published",
        "scope": "HLS estimate of the network alone, softmax included",
        "source": f"{_REPORT}/vivado_hls_myproject_axi_csynth.rpt",
    },
    {
        "by": "hls4ml, reuse 64",
        "network": "same layers and bits, trained",
        "density, %": 22.6,
        "device": "xc7z020",
        "LUT": 20668,
        "FF": 23097,
        "DSP": 9,
        "BRAM": 7,
        "clock, MHz": 100,
        "latency, clocks": 95,
        "latency, ns": 950.0,
        "interval": 95,
        "kind": "published",
        "scope": "placed, softmax, float AXI wrapper, DMA and interconnect included; timing met",
        "source": f"{_REPORT}/vivado_utilization_placed.rpt",
    },
)
"""BRAM in blocks of 36 kbit. HLS reports count 18 kbit blocks, halved here. The latency of the
last row is its HLS report's 95 clocks of the wrapper, at the clock of the implementation."""
