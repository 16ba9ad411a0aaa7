"""What only a GPU can prove, in one go: `scripts/gpu-check`, or this package with `python -m`.

The steps, each in a process of its own, with its share of the time:

| step | proves |
| --- | --- |
| doctor | what is installed and works |
| build | the plugin compiles for the GPU at hand |
| kernels | both kernels agree with float64 on the device |
| memcheck, racecheck | ... and touch no memory that is not theirs (compute-sanitizer) |
| bandwidth | how near both are to a device-to-device copy, as ratios |
| engines-* | the builder's engines reproduce the golden windows at 256x256 |
| latency-* | how long a frame takes on the device, by resolution |

Only doctor and build have been run by this project. Everything from kernels on was not run on a
GPU: its code was run against a compute library of the host's (see the tests), no more.
"""
