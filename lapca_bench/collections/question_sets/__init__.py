"""Sets of questions whose answers are spans of paragraphs, and the collections made of their held-out articles."""
