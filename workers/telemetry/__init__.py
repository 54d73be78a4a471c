"""What a worker tells of itself: metrics, gauges, health, traces; `ops` exports it."""
