"""`tickfleet doctor`: looks at everything a fleet depends on and says what to fix.

Each file is one subject; a check yields findings and changes nothing but one probe object in
the store, which it removes.
"""

from ops.doctor.examine import examine
from ops.doctor.finding import Finding, Status

__all__ = ["Finding", "Status", "examine"]
