"""The demonstration: the whole system on a real broker, with a worker killed on the way.

What lives here is also the yardstick of the Kafka tests: `audit` decides whether anything was
lost, repeated or reordered. Nothing of the worker's own code takes part in that verdict.
"""

from ops.demo.audit import AuditReport, PartitionTrace, audit

__all__ = ["AuditReport", "PartitionTrace", "audit"]
