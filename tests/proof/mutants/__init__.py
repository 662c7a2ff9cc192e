"""Mutants: the code with one small fault, and whether the narrowest tests that cover it notice."""
