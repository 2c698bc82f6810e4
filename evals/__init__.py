"""Is it good enough? Blind cases asked of the whole assistant, scored, compared with the aims."""
