"""The network in training: tower, masked-token head, and what makes its gradients fast on a processor."""
