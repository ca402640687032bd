"""parallel-mini: paragraphs of general knowledge in 11 languages, written for this project; README.md is its card."""
