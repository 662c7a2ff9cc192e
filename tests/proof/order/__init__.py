"""Proofs of the core's memory order: an explorer over the shipped C, a model, weakenings that are caught."""
