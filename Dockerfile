# syntax=docker/dockerfile:1
# One image for all of it: the command, Dagster's webserver, its daemon and the code location (see compose.yaml).

# By digest: --build-arg BASE=python:3.11-slim@sha256:...
ARG BASE=python:3.11-slim

FROM ${BASE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/chatmart
ENV PATH=/opt/chatmart/bin:$PATH
WORKDIR /src
# what it needs comes first: these layers are made anew only when that changes, not with every change of the code
COPY requirements-image.txt ./
RUN pip install --require-hashes --no-deps --only-binary :all: --requirement requirements-image.txt
COPY pyproject.toml ./
COPY README.md LICENSE ./
COPY extractors extractors
COPY transforms transforms
COPY warehouse warehouse
COPY pipelines pipelines
COPY chatmart chatmart
COPY sandbox sandbox
RUN pip install --no-deps --no-build-isolation .

FROM ${BASE}
LABEL org.opencontainers.image.title=chatmart org.opencontainers.image.licenses=MIT
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /chatmart chatmart \
    && install --directory --owner chatmart --group chatmart --mode 0700 /chatmart /chatmart/data /dagster
COPY --from=build /opt/chatmart /opt/chatmart
COPY deploy/prepare /opt/chatmart/share/
ENV PATH=/opt/chatmart/bin:$PATH PYTHONUNBUFFERED=1 \
    CHATMART_CONFIG=/chatmart/chatmart.yaml DAGSTER_HOME=/dagster
USER chatmart
WORKDIR /chatmart
VOLUME /chatmart/data /dagster
# that it starts at all; compose.yaml asks each service whether it does its work
HEALTHCHECK --interval=60s --timeout=30s CMD ["chatmart", "--version"]
CMD ["chatmart", "--help"]
