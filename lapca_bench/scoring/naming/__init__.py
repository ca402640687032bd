"""What measures are called: their definitions, how people spell them, and names that stand for several."""
