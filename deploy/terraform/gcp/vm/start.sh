#!/bin/bash
# Runs at each start of a seat: fetches Firedrill once, builds it, and serves it on port 8080 as a plain user, with the token from the metadata.
set -euo pipefail
meta() { curl -fsS -H 'Metadata-Flavor: Google' "http://metadata.google.internal/computeMetadata/v1/instance/attributes/$1"; }
home=/srv/firedrill
id firedrill > /dev/null 2>&1 || useradd --system --create-home --home-dir $home --shell /usr/sbin/nologin firedrill
if [ ! -e $home/src/run ]; then
  apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends git ca-certificates
  runuser -u firedrill -- git clone --depth 1 --branch "$(meta firedrill-version)" "$(meta firedrill-repository)" $home/src
fi
install -d -m 0700 -o firedrill -g firedrill /etc/firedrill
(umask 077; meta firedrill-token > /etc/firedrill/token); chown firedrill:firedrill /etc/firedrill/token
# Packages as root (whose log does not belong into the user's folder), then everything else as the plain user.
install -d /var/lib/firedrill-setup
bash -euc 'top=/var/lib/firedrill-setup; . "$1/deploy/setup/lib.sh"; fd_setup $fd_packages_build $fd_packages_stack; fd_setup_node' setup $home/src
runuser -u firedrill -- $home/src/run --no-setup --build-only
exec systemd-run --unit=firedrill --uid=firedrill --gid=firedrill --property=NoNewPrivileges=yes --property=Restart=on-failure \
  $home/src/build/release/bin/firedrill serve --home $home/data --listen 0.0.0.0 --port 8080 --token-file /etc/firedrill/token
