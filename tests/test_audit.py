"""`make audit` fails for a vulnerable package, and never takes silence for a clean answer."""

import json

from requirements.audit import judged

CLEAN = {"name": "numpy", "version": "2.0.0", "vulns": []}
SKIPPED = {"name": "jax", "skip_reason": "not found on PyPI"}
VULNERABLE = {
    "name": "urllib3",
    "version": "1.0",
    "vulns": [{"id": "CVE-1", "fix_versions": ["1.1"], "aliases": [], "description": ""}],
}


def _report(*packages: object) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


def test_a_vulnerable_package_fails_and_is_named_with_its_remedy() -> None:
    code, words = judged(_report(CLEAN, SKIPPED, VULNERABLE), "")
    assert code == 1
    assert "urllib3 1.0: CVE-1, fixed in 1.1" in words


def test_a_clean_answer_says_how_many_were_asked_for() -> None:
    assert judged(_report(CLEAN, SKIPPED), "") == (
        0,
        "1 of 2 packages audited, no published vulnerability",
    )


def test_an_index_that_knows_no_package_has_audited_nothing() -> None:
    code, words = judged(_report(SKIPPED, SKIPPED), "")
    assert code == 3
    assert words.startswith("AUDIT NOT DONE") and "none of the 2 packages" in words


def test_a_service_out_of_reach_is_said_with_its_reason() -> None:
    code, words = judged("", "Traceback ...\nConnectionError: no such host\n")
    assert code == 3
    assert words == (
        "AUDIT NOT DONE: the advisory service cannot be reached (ConnectionError: no such host)"
    )
