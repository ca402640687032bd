"""The network in training: tower, language-modelling head, fast gradients."""
