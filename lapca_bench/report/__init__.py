"""Reports: tables and their writers, comparisons of results, plots; boards and published numbers as wings."""
