"""`make audit`: are vulnerabilities published for a package we pin?

pip-audit asks the package index. It ends with 0 when the index knows no package, and with a
traceback when nobody answers; here both are told apart from a clean answer. Exit codes: 0 nothing
known, or nobody to ask (said in so many words), 1 a vulnerable package, 3 nobody to ask and
`AUDIT_REQUIRED=1`.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, Final

__all__ = ["judged"]

_CLEAN: Final = 0
_VULNERABLE: Final = 1
_UNASKED: Final = 3


def judged(report: str, complaint: str) -> tuple[int, str]:
    """What a run of pip-audit means.

    Args:
        report: its JSON; empty where it broke off.
        complaint: what it wrote to stderr.

    Returns:
        Exit code (0, 1 or 3) and what to tell.
    """
    try:
        packages = json.loads(report)["dependencies"]
    except (ValueError, KeyError, TypeError):
        last = (complaint.strip().splitlines() or ["no output"])[-1]
        return _UNASKED, f"AUDIT NOT DONE: the advisory service cannot be reached ({last})"
    audited = [one for one in packages if "vulns" in one]
    vulnerable = [_described(one) for one in audited if one["vulns"]]
    if vulnerable:
        return _VULNERABLE, "\n".join(("vulnerable, raise them in pyproject.toml:", *vulnerable))
    if not audited:
        return _UNASKED, (
            f"AUDIT NOT DONE: the package index in use tells of vulnerabilities of none of the "
            f"{len(packages)} packages"
        )
    asked = f"{len(audited)} of {len(packages)} packages audited"
    return _CLEAN, f"{asked}, no published vulnerability"


def _described(package: Mapping[str, Any]) -> str:
    found = "; ".join(
        f"{one['id']}, fixed in {', '.join(one['fix_versions']) or 'no version yet'}"
        for one in package["vulns"]
    )
    return f"  {package['name']} {package['version']}: {found}"


def main(lock: str) -> int:
    """Audit a lock file."""
    options = ["--disable-pip", "--require-hashes", "--progress-spinner", "off", "--format", "json"]
    run = subprocess.run(  # noqa: S603  (our own arguments)
        [sys.executable, "-m", "pip_audit", *options, "--requirement", lock],
        capture_output=True,
        text=True,
        check=False,
    )
    code, words = judged(run.stdout, run.stderr)
    sys.stdout.write(words + "\n")
    return _CLEAN if code == _UNASKED and os.environ.get("AUDIT_REQUIRED") != "1" else code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
