from typing import Literal

import pytest

from core import PredictorConfig, asset_layout
from snapshots import Manifest, ManifestRef, current_header
from snapshots.manifest import decode_manifest, encode_manifest
from tests.snapshots.builders import SCOPE


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_running_programs_header_survives_a_manifest(
    dtype: Literal["float64", "float32"],
) -> None:
    config = PredictorConfig()
    header = current_header(config, dtype)
    manifest = Manifest(SCOPE, 1, 0, header, chunks=(), parent=None)
    sealed = encode_manifest(manifest)
    read = decode_manifest(sealed.data, SCOPE, ManifestRef(1, sealed.digest)).header
    assert read == header
    assert read.features == asset_layout(config).features
    assert list(read.blocks) == ["global", "A", "B", "C", "D"]
    assert (read.dtype, read.fingerprint) == (dtype, config.fingerprint())
    assert PredictorConfig(**read.config) == config  # type: ignore[arg-type]  # plain data
