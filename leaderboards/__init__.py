"""Published numbers, measured rows and the boards made of them. Data only."""
