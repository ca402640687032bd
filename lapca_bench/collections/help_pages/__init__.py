"""The LibreOffice help in its languages: the retrieval collections, the bitext, parsing, and the store both read."""
