"""One module per command: `arguments` describes its options, `execute` runs it.

A module is imported only when its command is chosen, and imports what is heavy inside functions.
"""
