"""LLVM: from operations to its language, and from that to functions that can be called."""
