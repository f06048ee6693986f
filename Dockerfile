# syntax=docker/dockerfile:1

# The image holds no Postgres, so the container needs a DATABASE_URL.

FROM rust:1.95-bookworm AS build
WORKDIR /build

# Builds the dependencies first, with empty sources: this layer changes only if Cargo.toml or Cargo.lock does.
COPY Cargo.toml Cargo.lock ./
COPY bench/Cargo.toml bench/Cargo.toml
COPY crates/conninfo/Cargo.toml crates/conninfo/Cargo.toml
COPY crates/embedded/Cargo.toml crates/embedded/Cargo.toml
RUN mkdir -p src benches bench/src crates/conninfo/src crates/embedded/src \
    && echo 'fn main() {}' | tee src/main.rs bench/src/main.rs benches/pure.rs benches/allocations.rs \
    && touch src/lib.rs crates/conninfo/src/lib.rs crates/embedded/src/lib.rs \
    && cargo build --release --locked --package users-sync --features otlp

COPY crates crates
COPY sql sql
COPY src src
COPY templates templates
# Cargo compares times, and the copied files are older than the empty ones.
RUN touch src/lib.rs src/main.rs crates/*/src/lib.rs \
    && cargo build --release --locked --package users-sync --features otlp


# glibc, CA certificates, an unprivileged user and no shell.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /build/target/release/users-sync /usr/local/bin/users-sync

# The default, 127.0.0.1, is out of reach from outside the container.
ENV LISTEN_ADDR=0.0.0.0:8080
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["users-sync", "healthcheck"]
ENTRYPOINT ["users-sync"]
