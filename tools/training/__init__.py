"""Scripts that train the small models that bnnc ships; they need PyTorch (``bnnc[dev]``)."""
