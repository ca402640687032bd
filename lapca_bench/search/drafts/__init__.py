"""Cards that are written from what a folder of weights states, for systems that have none."""
