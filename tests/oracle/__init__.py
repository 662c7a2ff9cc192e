"""The oracle: the same calls on two SDKs, and every byte of the difference accounted for."""
