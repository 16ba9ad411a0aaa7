"""From the PyTorch model to a bundle: ONNX graphs, manifest, goldens. Needs torch and onnx."""
