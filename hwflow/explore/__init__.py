"""Choosing foldings: candidates of each layer, the solver, and the trade-off curve."""
