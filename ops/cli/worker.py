"""`tickfleet worker`: settings, logs and probes around `workers.run_worker`."""

import os
import sys
from pathlib import Path

import click
import structlog

from ops.cli.options import config_option
from ops.compile_cache import keep_executables
from ops.health import HealthServer
from ops.logs import configure_logging
from ops.metrics import PrometheusTelemetry
from ops.settings import Settings, load_settings, render_settings
from ops.traces import tracing
from workers import StopSignal, WorkerHealth, run_worker
from workers.brokers.client_trial import check_client_options
from workers.telemetry.metrics import M

__all__ = ["command"]


@click.command("worker")
@config_option
@click.option("--print-config", is_flag=True, help="Print all settings, secrets masked, and exit.")
def command(config: Path | None, *, print_config: bool) -> None:
    """Run one worker until SIGTERM or SIGINT; a second signal ends it at once."""
    if print_config:
        click.echo(render_settings(load_settings(config)), nl=False)
        return
    settings = load_settings(config, check=check_client_options)
    configure_logging(settings.log.level, log_format=settings.log.format)
    _run(settings)


def _run(settings: Settings) -> None:
    stop = StopSignal()
    stop.install()
    keep_executables()
    telemetry = PrometheusTelemetry()
    health = WorkerHealth(stall_after_s=settings.http.stall_after_s)
    telemetry.follow(M.LOOP_SILENT_SECONDS, health.silent_s)
    http = settings.http
    with HealthServer(health, telemetry.registry, host=http.host, port=http.port) as server:
        structlog.get_logger("ops").info("http_listening", host=http.host, port=server.port)
        finished = _run_traced(settings, telemetry, health, stop)
    if not finished:
        # What still waits for the store or for Kafka must not hold the process beyond its grace
        # period; the next start does not need it.
        sys.stdout.flush()
        os._exit(0)


def _run_traced(
    settings: Settings, telemetry: PrometheusTelemetry, health: WorkerHealth, stop: StopSignal
) -> bool:
    worker = settings.worker
    attributes = {
        "service.name": "tickfleet",
        "service.namespace": worker.group_id,
        "service.instance.id": worker.worker_id,
    }
    with tracing(enabled=settings.traces.enabled, attributes=attributes) as tracer:
        return run_worker(
            worker, telemetry=telemetry, health=health, stop_requested=stop, tracer=tracer
        )
