"""`tickfleet doctor`: looks at everything a fleet depends on and says what to fix.

Each file is one subject; a check yields findings. It leaves nothing behind: the object it writes
to the store is removed, and the group and the transactional id that it tries, both
`GROUP-doctor`, are no worker's.
"""

from ops.doctor.examine import examine
from ops.doctor.finding import Finding, Status

__all__ = ["Finding", "Status", "examine"]
