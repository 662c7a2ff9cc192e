"""The house kept in order: each rule is shown a planted fault first, then the tree."""
