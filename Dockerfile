# The server and all commands of promptdb. docs/deploy.md explains it.
FROM python:3.13.9-slim-bookworm AS build
WORKDIR /src
COPY pyproject.toml requirements-dev.lock README.md LICENSE ./
COPY alembic alembic
COPY promptdb promptdb
RUN python -m venv /opt/promptdb \
    && pip install --no-cache-dir uv \
    && uv pip install --no-cache --python /opt/promptdb/bin/python --constraints requirements-dev.lock '.[api,postgres,otel]'

FROM python:3.13.9-slim-bookworm
# For commands that read commits, such as `promptdb sync`.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home --home-dir /srv/promptdb promptdb
COPY --from=build /opt/promptdb /opt/promptdb
ENV PATH=/opt/promptdb/bin:$PATH
USER 10001
WORKDIR /srv/promptdb
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=4s --start-period=20s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/healthz', timeout=3)"]
ENTRYPOINT ["promptdb"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
