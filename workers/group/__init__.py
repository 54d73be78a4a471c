"""This worker's place in the consumer group: joining, fetching, rebalances, who owns what."""
