# The images of the three services, one target each: `docker build --target gateway .` compiles everything. All of them
# come by `make images`, also where the image of the stage `build` cannot be pulled: k8s/images.sh then has
# programs that were built on the machine itself take that stage's place.
#
# An image holds a program and the C library that it is linked with. There is no shell and no package manager: nothing
# needs them, nobody who breaks in can use them, and what is not there needs no updates. Nor are there certificates: the
# programs bring their own (webpki-roots).
ARG RUST=rust:1.95-slim-bookworm
ARG BASE=debian:bookworm-slim

FROM ${RUST} AS build
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
WORKDIR /src

# The dependencies first, with packages that are empty: a layer that stays as it is until a manifest changes.
# The three packages are named because together with the tests they would get features that are for tests only.
COPY Cargo.toml Cargo.lock ./
COPY proto/Cargo.toml proto/
COPY service-kit/Cargo.toml service-kit/
COPY auth-service/Cargo.toml auth-service/
COPY mail-service/Cargo.toml mail-service/
COPY gateway/Cargo.toml gateway/
COPY cli/Cargo.toml cli/
COPY tests/Cargo.toml tests/
RUN for package in proto service-kit auth-service mail-service gateway cli tests; do \
        mkdir "$package/src"; \
        touch "$package/src/lib.rs"; \
        echo 'fn main() {}' | tee "$package/src/main.rs" >"$package/build.rs"; \
    done; \
    cargo build --release --locked \
        -p turbomessage-gateway -p turbomessage-auth-service -p turbomessage-mail-service; \
    # Nobody builds the other two, but a workspace wants all its members.
    rm -r proto service-kit auth-service mail-service gateway

COPY proto proto
COPY service-kit service-kit
COPY auth-service auth-service
COPY mail-service mail-service
COPY gateway gateway
# Files come with the times they had, and cargo takes what is older than the empty packages for built.
RUN find proto service-kit auth-service mail-service gateway -name '*.rs' -exec touch '{}' +; \
    cargo build --release --locked \
        -p turbomessage-gateway -p turbomessage-auth-service -p turbomessage-mail-service; \
    mkdir /programs; \
    for service in gateway auth-service mail-service; do \
        strip -o "/programs/turbomessage-$service" "target/release/turbomessage-$service"; \
    done

# What the three have in common: the shared libraries, and what tells a scanner which of Debian's they are.
FROM ${BASE} AS root
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
COPY --from=build /programs /programs
RUN mkdir -p /image/var/lib/dpkg/status.d; \
    ldd /programs/* | grep -o '/lib[^ ]*' | sort -u | xargs cp --parents --dereference --target-directory=/image; \
    cp --parents --dereference /etc/os-release /image; \
    for package in libc6 libgcc-s1; do \
        dpkg-query --status "$package" >"/image/var/lib/dpkg/status.d/$package"; \
    done; \
    # SQLite sorts in files there when memory does not do. A read-only container has to mount something.
    install -d -m 1777 /image/tmp

FROM scratch AS service
COPY --from=root /image /
USER 65532:65532
STOPSIGNAL SIGTERM
ARG VERSION=""
ARG REVISION=""
LABEL org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}"

FROM service AS gateway
COPY --from=build /programs/turbomessage-gateway /usr/local/bin/
EXPOSE 50051
LABEL org.opencontainers.image.title="TurboMessage gateway" \
    org.opencontainers.image.description="The edge of TurboMessage: gRPC and gRPC-Web"
ENTRYPOINT ["/usr/local/bin/turbomessage-gateway"]

FROM service AS auth-service
COPY --from=build /programs/turbomessage-auth-service /usr/local/bin/
EXPOSE 50052
LABEL org.opencontainers.image.title="TurboMessage auth-service" \
    org.opencontainers.image.description="Accounts, passwords, sessions and the directory of TurboMessage"
ENTRYPOINT ["/usr/local/bin/turbomessage-auth-service"]

FROM service AS mail-service
COPY --from=build /programs/turbomessage-mail-service /usr/local/bin/
EXPOSE 50053
LABEL org.opencontainers.image.title="TurboMessage mail-service" \
    org.opencontainers.image.description="The mailboxes of TurboMessage"
ENTRYPOINT ["/usr/local/bin/turbomessage-mail-service"]
