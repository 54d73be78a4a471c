"""Where a local broker listens: clients, controllers, and a second way in for clients."""

from dataclasses import dataclass

from ops.local.storage import BROKER_DEFAULTS

__all__ = ["Listener", "listener_settings"]


@dataclass(frozen=True, slots=True)
class Listener:
    """A second way in for clients, beside the plain one.

    Attributes:
        name: in capitals; the broker's settings of it carry the name.
        protocol: PLAINTEXT, SASL_SSL, …
        port: where the broker listens.
        advertised: `host:port` it tells clients that come this way.
    """

    name: str
    protocol: str
    port: int
    advertised: str


def listener_settings(port: int, controller_port: int, second: Listener | None) -> dict[str, str]:
    """Broker settings for the plain listener, the controller's, and a second one if given."""
    listeners = [f"PLAINTEXT://127.0.0.1:{port}", f"CONTROLLER://127.0.0.1:{controller_port}"]
    advertised = [f"PLAINTEXT://127.0.0.1:{port}"]
    protocols = [BROKER_DEFAULTS["listener.security.protocol.map"]]
    if second is not None:
        listeners.append(f"{second.name}://127.0.0.1:{second.port}")
        advertised.append(f"{second.name}://{second.advertised}")
        protocols.append(f"{second.name}:{second.protocol}")
    return {
        "listeners": ",".join(listeners),
        "advertised.listeners": ",".join(advertised),
        "listener.security.protocol.map": ",".join(protocols),
        "inter.broker.listener.name": "PLAINTEXT",
    }
