"""The specification's predictor of one asset, for programs without Kafka."""
