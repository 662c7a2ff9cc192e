"""From the region to a receiver: one worker, one retry, one transport for every signal."""
