"""Training and validation data, rendered from real HDR photographs."""
