"""The journal topic: under which decisions which input offsets have been answered."""
