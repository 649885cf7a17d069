"""The command line: rendering only, one file per command under `commands`."""
