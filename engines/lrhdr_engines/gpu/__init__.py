"""A bundle's engines on this machine's GPU: kept or built, accepted, and streamed through.

`opening` puts the parts together. Not run on a GPU: the tests run it over the simulated device,
and over fakes of NVIDIA's libraries.
"""
