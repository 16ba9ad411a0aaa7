"""lrhdr: HDR video from clips whose exposure alternates from frame to frame.

The modules at this level (`errors`, `contract`, `light`, `metrics`) need only
numpy and are shared by training, export and the runtime. `lrhdr.model`,
`lrhdr.data` and `lrhdr.training` need torch (`pip install lrhdr[train]`).
"""

__version__ = "0.1.0"
