"""The dataflow plan: from an integer graph to scheduled hardware, before any is generated."""
