# The worker's image. To pin the base by digest as well:
#   docker buildx imagetools inspect python:3.12.11-slim-bookworm
ARG PYTHON_IMAGE=python:3.12.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
WORKDIR /source
COPY . .
# At its final path: a virtual environment's scripts name their interpreter.
RUN deploy/install.sh /opt/tickfleet

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="TickFleet" \
      org.opencontainers.image.description="Kafka workers that forecast every tick, exactly once"
RUN groupadd --gid 10001 tickfleet \
    && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin tickfleet \
    && install --directory --owner=10001 --group=10001 /var/cache/tickfleet
COPY --from=build /opt/tickfleet /opt/tickfleet
ENV PATH=/opt/tickfleet/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    JAX_PLATFORMS=cpu \
    TICKFLEET_CACHE_DIR=/var/cache/tickfleet \
    TICKFLEET_LOG__FORMAT=json
# Compiled executables: keep this volume, and a restart does not compile again.
VOLUME /var/cache/tickfleet
USER 10001:10001
WORKDIR /tmp
EXPOSE 9464
HEALTHCHECK --interval=10s --timeout=4s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:9464/livez', timeout=3)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["tickfleet"]
CMD ["worker"]
