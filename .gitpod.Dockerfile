# The machine of a Gitpod workspace: Debian 12 with what the workspace itself needs. What Firedrill needs, ./run installs.
FROM docker.io/library/debian:bookworm-slim
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends git sudo curl ca-certificates bash-completion procps less \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 33333 --groups sudo --create-home --home-dir /home/gitpod --shell /bin/bash gitpod \
 && echo 'gitpod ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/gitpod && chmod 0440 /etc/sudoers.d/gitpod
USER gitpod
