"""How a model is made: examples, network, loop, export, bundle. Needs the extra `train`."""
