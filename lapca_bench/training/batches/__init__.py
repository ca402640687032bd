"""From pairs and questions to the texts of a batch."""
