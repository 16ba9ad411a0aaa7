"""Streaming on a GPU: what a device is (`protocol`), devices, and the stream over them.

`gpu_stream` says how the parts work together. `simulated` is a device without a GPU.
"""
