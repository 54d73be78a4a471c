"""Step and training compiled side by side are those that are compiled one after the other."""

import jax
import pytest

from core import PredictorConfig, both, compile_both, compile_step, compile_trainer
from core.jax_cache import CACHE_OFF

CONFIG = PredictorConfig()


@pytest.mark.parametrize(("width", "networks"), [(64, 8), (1, 1)])
def test_nothing_is_compiled_again(width: int, networks: int) -> None:
    step, trainer = compile_both(CONFIG, "float32", width=width)
    assert step is compile_step(CONFIG, "float32", width=width)
    assert trainer is compile_trainer(CONFIG, "float32", width=networks)


def test_another_dtype_is_refused() -> None:
    with pytest.raises(ValueError, match="float32"):
        compile_both(CONFIG, "float16")


def test_jaxs_cache_is_back_when_the_last_one_has_compiled() -> None:
    before = jax.config.values["jax_enable_compilation_cache"]
    assert before
    with CACHE_OFF:
        with CACHE_OFF:
            pass
        assert not jax.config.values["jax_enable_compilation_cache"]
    assert jax.config.values["jax_enable_compilation_cache"] is before


def test_the_training_is_compiled_for_the_callers_device(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def compile_trainer(*_: object, **_named: object) -> None:
        seen.append(jax.config.jax_default_device)  # type: ignore[attr-defined]

    monkeypatch.setattr(both, "compile_trainer", compile_trainer)
    [device] = jax.devices("cpu")
    with jax.default_device(device):
        compile_both(CONFIG, "float32", width=1)
    compile_both(CONFIG, "float32", width=1)
    assert seen == [device, None]
