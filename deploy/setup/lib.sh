# Shared by ./run and ./test: progress with times, package set-up, building. Sourced by bash; needs `top`, the checkout's folder.
# Nothing here leaves a service running or enabled on the machine.

fd_started=$(date +%s%N)
fd_elapsed() { local ms=$((($(date +%s%N) - ${1:-$fd_started}) / 1000000)); printf '%d.%d s' $((ms / 1000)) $((ms % 1000 / 100)); }
fd_say() { printf '%s\n' "$*"; }
fd_die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 3; }

# fd_step TEXT COMMAND...: runs a command quietly, tells what it does and how long it took; shows the end of its output when it fails.
# With fd_quiet_ms set, a step that took less says nothing.
fd_step() {
  local text=$1 began log quiet_ms=${fd_quiet_ms:-0}; shift
  began=$(date +%s%N)
  mkdir -p "$top/build"; log="$top/build/step.log"
  if [ -t 1 ]; then printf '  %-44s ' "$text ..."; fi
  if "$@" > "$log" 2>&1 < /dev/null; then
    if [ $((($(date +%s%N) - began) / 1000000)) -lt "$quiet_ms" ]; then
      [ ! -t 1 ] || printf '\r\033[K'
      return 0
    fi
    [ -t 1 ] || printf '  %-44s ' "$text"
    printf '%s\n' "$(fd_elapsed "$began")"
  else
    local status=$?
    [ -t 1 ] || printf '  %-44s ' "$text"
    printf 'failed after %s\n\n' "$(fd_elapsed "$began")"
    tail -n 25 "$log" | sed 's/^/    /'
    cp "$log" "$top/build/failed.log" 2>/dev/null || true
    fd_die "'$text' failed; the whole output is in build/failed.log"
  fi
}

# Debian packages by purpose. Node is left alone where one of at least version 18 is on the machine already.
fd_packages_build="gcc libc6-dev make cmake ninja-build pkg-config libcivetweb-dev libwebsockets-dev libsqlite3-dev libyaml-dev libcjson-dev libcurl4-openssl-dev libpq-dev libhiredis-dev libnats-dev libjwt-dev zlib1g-dev"
fd_packages_stack="postgresql-15 redis-server nats-server prometheus prometheus-alertmanager"
fd_packages_test="libcmocka-dev clang curl chromium"
fd_packages_receivers="victoria-metrics" # what forwarders are tested against
fd_node_ok() { command -v node >/dev/null && command -v npm >/dev/null && [ "$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0)" -ge 18 ]; }

fd_missing() { # the packages of the arguments that are not installed
  local p
  for p in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Abbrev}' "$p" 2>/dev/null | cut -c1-2)" = ii ] || printf '%s ' "$p"
  done
}

fd_free_mb() { df -Pm "$1" | awk 'NR == 2 { print $4 }'; }

fd_root=""
fd_need_root() {
  [ "$(id -u)" = 0 ] && return
  command -v sudo >/dev/null || fd_die "packages are missing ($1) and there is no sudo here: run once as root: apt-get install $1"
  fd_root=sudo
}

# Installs what is missing, without starting or enabling any service: a policy-rc.d for the time of the installation (only where there is none),
# no default PostgreSQL cluster, and units that the installation enabled are disabled again.
fd_setup() {
  local missing enabled_before policy=/usr/sbin/policy-rc.d made_policy=0 size
  missing=$(fd_missing "$@"); missing=${missing% }
  [ -n "$missing" ] || return 0
  command -v apt-get >/dev/null || fd_die "these Debian packages are missing and there is no apt-get here: $missing"
  fd_need_root "$missing"
  [ "$(fd_free_mb /)" -ge 2000 ] || fd_die "not enough disk space: $(fd_free_mb /) MB are free on /, installing needs 2000 MB"
  fd_step "reading Debian's package lists" $fd_root apt-get -q update || true
  size=$($fd_root apt-get install --no-install-recommends --assume-no $missing 2>/dev/null | grep -E '^(Need to get|After this operation)' | tr '\n' ' ' || true)
  if [ -z "$size" ]; then
    apt-cache show ${missing%% *} >/dev/null 2>&1 || fd_die "Debian's package '${missing%% *}' cannot be found: is there a network, and is this Debian 12?"
  fi
  fd_say "  To install: $missing"
  [ -z "$size" ] || fd_say "  $size"
  enabled_before=$(systemctl list-unit-files --state=enabled --no-legend 2>/dev/null | awk '{print $1}' || true)
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' | $fd_root tee $policy >/dev/null && $fd_root chmod 755 $policy; made_policy=1
    trap '$fd_root rm -f '$policy EXIT
  fi
  $fd_root mkdir -p /etc/postgresql-common/createcluster.d
  [ -e /etc/postgresql-common/createcluster.d/firedrill.conf ] ||
    echo 'create_main_cluster = false' | $fd_root tee /etc/postgresql-common/createcluster.d/firedrill.conf >/dev/null
  fd_step "installing packages" $fd_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
  if [ $made_policy = 1 ]; then $fd_root rm -f $policy; trap - EXIT; fi
  if command -v systemctl >/dev/null; then
    local unit
    for unit in postgresql redis-server nats-server prometheus prometheus-alertmanager prometheus-node-exporter victoria-metrics; do
      grep -qx "$unit.service" <<<"$enabled_before" || $fd_root systemctl disable "$unit" >/dev/null 2>&1 || true
    done
  fi
}

fd_setup_node() { fd_node_ok || fd_setup nodejs npm; }

# The npm packages of a folder, only when its lock file is newer than they are.
fd_npm() { # FOLDER
  local folder="$top/$1"
  if [ ! -e "$folder/node_modules/.installed" ] || [ "$folder/package-lock.json" -nt "$folder/node_modules/.installed" ]; then
    fd_step "fetching the npm packages of $1" npm --prefix "$folder" ci --no-audit --no-fund
    touch "$folder/node_modules/.installed"
  fi
}

# The control panel, only when its sources are newer than the result.
fd_build_ui() {
  [ -e "$top/web/package.json" ] || return 0
  local stamp="$top/web/dist/.built"
  if [ -e "$stamp" ] && [ -z "$(find "$top/web" \( -name node_modules -o -name dist \) -prune -o -type f -newer "$stamp" -print -quit)" ]; then return 0; fi
  fd_setup_node
  fd_npm web
  fd_step "building the control panel" npm --prefix "$top/web" run build
  touch "$stamp"
}

fd_build() { # PRESET [TARGET...]
  local preset=$1; shift
  [ "$(fd_free_mb "$top")" -ge 500 ] || fd_die "not enough disk space: $(fd_free_mb "$top") MB are free in $top, building needs 500 MB"
  if [ ! -e "$top/build/$preset/build.ninja" ]; then fd_step "configuring ($preset)" env -C "$top" cmake --preset "$preset"; fi
  # A build with nothing to do is not worth a line.
  fd_quiet_ms=800 fd_step "building ($preset)" env -C "$top" cmake --build --preset "$preset" ${1:+--target "$@"}
}
