"""The one table of tolerances: how far a graph may be from what it should compute.

| precision | measure | bound | why |
| --- | --- | --- | --- |
| fp32 | largest error of an image in T (Eq. 12), against float64 | 1e-4 | the mu-law's slope at black is 587, so 1e-4 there is 2e-7 of radiance, twice FP32's step at 1 |
| fp32 | largest error of features and flows, as a share of their largest value | 1e-4 | a chain of some 20 convolutions, each adding a few FP32 roundings |
| fp16 | PSNR_T of an image against FP32 | 55 dB | half a code of 8 bits is 51 dB |
| fp16 | PSNR of features and flows, peak their largest value | 50 dB | FP16 rounds at 2^-11, 66 dB a layer |
"""

from __future__ import annotations

FP32_IMAGE_MAX = 1e-4
FP32_TENSOR_MAX = 1e-4
FP16_IMAGE_DB = 55.0
FP16_TENSOR_DB = 50.0
