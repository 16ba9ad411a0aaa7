"""The one table of tolerances: how far a graph may be from what it should compute.

| precision | of | bound | why |
| --- | --- | --- | --- |
| fp32 | images | 1e-4 | the mu-law's slope at black is 587: 2e-7 of radiance, two FP32 steps at 1 |
| fp32 | tensors | 1e-4 | some 20 convolutions, each adding a few FP32 roundings |
| fp16 | images | 55 dB | half a code of 8 bits is 51 dB |
| fp16 | tensors | 50 dB | FP16 rounds at 2^-11, 66 dB a layer |

Images are compared in T (Eq. 12); tensors (features, flows) as a share of their largest value.
FP32 is measured by the largest error against float64, FP16 by PSNR against float64.
"""

from __future__ import annotations

FP32_IMAGE_MAX = 1e-4
FP32_TENSOR_MAX = 1e-4
FP16_IMAGE_DB = 55.0
FP16_TENSOR_DB = 50.0
