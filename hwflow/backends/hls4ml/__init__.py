"""Integer graph to hls4ml project, and its C++ emulation. hls4ml runs in a process of its own."""
