"""Trained networks of other frameworks, lowered to the integer graph."""
