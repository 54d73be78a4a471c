"""When outputs become visible, exactly once or at least once, and which offsets go with them."""
