"""Thin adapters: each stage turns artifacts into an artifact through the packages below."""
