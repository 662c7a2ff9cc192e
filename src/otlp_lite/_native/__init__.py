"""The compiled rooms: one extension each, over the C core."""
