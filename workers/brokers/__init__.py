"""What clients are told, and what is asked of brokers beside records: topics, offsets, rights."""
