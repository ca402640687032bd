"""Answer sentences in pools of several languages, as in LAReQA: the pools, and the two data sets of its authors."""
