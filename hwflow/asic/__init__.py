"""Standard-cell libraries: read, checked, found on this machine."""
