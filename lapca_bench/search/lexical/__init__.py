"""BM25 on Lucene: the system, the index, and the Java that runs it."""
