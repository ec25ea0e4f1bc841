"""How the shipped model is made: corpus, vocabulary, features, heads, calibration, export. Needs the `train` extra."""
