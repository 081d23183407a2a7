# The program, the libraries it is linked to, and the authorities it checks others by; nothing else: no shell, no packages.
#     docker build -t REGISTRY/hubbub:TAG --build-arg COMMIT="$(git rev-parse --short=12 HEAD)" .
# Why it is so: docs/decisions/0101-an-image-without-a-system.md

FROM docker.io/library/node:20-bookworm-slim AS web
WORKDIR /src/web
COPY web/package.json web/package-lock.json ./
RUN npm ci --no-audit --no-fund --loglevel=error
COPY sdk /src/sdk
COPY web .
RUN npm run --silent build

FROM docker.io/library/rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
COPY --from=web /src/web/dist web/dist
ARG COMMIT=unknown
ENV HUBBUB_COMMIT=$COMMIT
RUN cargo build --release --locked -p hubbub \
    && objcopy --strip-all target/release/hubbub /hubbub \
    && scripts/rootfs /hubbub /rootfs

FROM scratch
COPY --from=build /rootfs /
ENV HUBBUB_LISTEN=0.0.0.0:8000
ENV HUBBUB_LOG_FORMAT=json
EXPOSE 8000
# The user hubbub of /etc/passwd; as a number, since Kubernetes' runAsNonRoot can check no name.
USER 10001:10001
STOPSIGNAL SIGTERM
# Whether it answers at all: Docker starts nothing anew for this, Swarm does. The program is all there is in here to ask with.
# It asks where HUBBUB_LISTEN, HUBBUB_BASE_PATH, HUBBUB_TLS_CERT and the file of HUBBUB_CONFIG say, or at :8000. Flags of `serve` it
# does not see: set the variables instead, or run with --no-healthcheck.
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=4 CMD ["/hubbub", "health", "--live"]
ENTRYPOINT ["/hubbub"]
CMD ["serve"]
