"""AsyncAPI's own parser has nothing to say against docs/asyncapi.yaml."""

import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ops.local.cache import cache_dir, exclusive
from tests.schemas.test_docs import DOCS, TOPICS

pytestmark = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
SOURCE = Path(__file__).parent / "asyncapi"


@pytest.fixture(scope="module")
def validator() -> Path:
    """The script among the packages that its lock file names, installed once for each lock."""
    files = [SOURCE / name for name in ("package.json", "package-lock.json", "validate.js")]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    folder = cache_dir() / f"asyncapi-{digest[:16]}"
    with exclusive(folder.with_suffix(".lock")):
        if not (folder / "complete").exists():
            folder.mkdir(exist_ok=True)
            for file in files:
                shutil.copy(file, folder)
            subprocess.run(
                ["npm", "ci", "--ignore-scripts", "--no-fund", "--no-audit"], cwd=folder, check=True
            )
            (folder / "complete").touch()
    return folder / "validate.js"


def test_the_document_is_valid_and_errors_would_be_found(validator: Path, tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    (tmp_path / "schemas").symlink_to(DOCS.parent / "schemas")
    (folder / "broken.avsc").write_text('{"type": "record"}')
    whole = (DOCS / "asyncapi.yaml").read_text("utf-8")
    broken = {
        "action": ("action: receive", "action: eat"),
        "reference": ("'#/channels/predictions'", "'#/channels/results'"),
        "schema": ("../schemas/avro/Tick.avsc", "broken.avsc"),
    }
    for name, (was, becomes) in broken.items():
        assert was in whole
        (folder / f"{name}.yaml").write_text(whole.replace(was, becomes))
    paths = [DOCS / "asyncapi.yaml", *(folder / f"{name}.yaml" for name in broken)]
    ran = subprocess.run(["node", validator, *paths], capture_output=True, text=True, check=True)
    ours, *others = [json.loads(line) for line in ran.stdout.splitlines()]
    assert ours == {"channels": list(TOPICS), "errors": []}
    found: dict[str, Any] = dict(zip(broken, others, strict=True))
    assert all(one["errors"] for one in found.values()), found
