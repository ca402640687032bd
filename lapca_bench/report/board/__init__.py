"""Leaderboard pages: what stands on a board, its ranks and intervals, the pages, and checking a submission."""
