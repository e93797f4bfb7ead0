# Images of the server (without LibTorch) and the worker:
#   docker build --target server -t headscope-server .
#   docker build --target worker -t headscope-worker .
# Every step is a line that deploy/quickstart.sh runs too; deploy/packages/*.txt say what is installed.
ARG BASE=debian:12-slim

FROM ${BASE} AS build
WORKDIR /src
COPY deploy/install-packages.sh deploy/install-packages.sh
COPY deploy/packages deploy/packages
RUN deploy/install-packages.sh build
COPY . .
RUN cmake --preset release -DHEADSCOPE_BUILD_TESTS=OFF \
 && cmake --build --preset release --target headscope-server headscope-worker headscope

FROM ${BASE} AS runtime
COPY deploy/install-packages.sh /usr/local/share/headscope/install-packages.sh
COPY deploy/packages /usr/local/share/headscope/packages
RUN groupadd --gid 10001 headscope && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/headscope headscope \
 && install -d -o headscope -g headscope /var/lib/headscope /models

FROM runtime AS server
RUN /usr/local/share/headscope/install-packages.sh server && rm -rf /var/lib/apt/lists/*
COPY --from=build /src/build/release/bin/headscope-server /src/build/release/bin/headscope /usr/local/bin/
USER 10001:10001
VOLUME /var/lib/headscope
EXPOSE 50051 50052 9464
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=6s --start-period=10s CMD ["headscope", "--server", "127.0.0.1:50051", "health"]
LABEL org.opencontainers.image.title="headscope-server" org.opencontainers.image.licenses="Apache-2.0"
ENTRYPOINT ["headscope-server", "--data-dir", "/var/lib/headscope"]

FROM runtime AS worker
RUN /usr/local/share/headscope/install-packages.sh worker && rm -rf /var/lib/apt/lists/*
COPY --from=build /src/build/release/bin/headscope-worker /src/build/release/bin/headscope /usr/local/bin/
USER 10001:10001
VOLUME /models
EXPOSE 9465
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=6s --start-period=60s CMD ["headscope", "health", "--worker", "127.0.0.1:9465"]
LABEL org.opencontainers.image.title="headscope-worker" org.opencontainers.image.licenses="Apache-2.0"
ENTRYPOINT ["headscope-worker", "--model-root", "/models", "--metrics-listen", "0.0.0.0:9465"]
