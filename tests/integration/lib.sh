# For integration tests in bash: ok/not_ok counting, waiting for events with a deadline, and proof that nothing is left behind.
# Use: . "$(dirname "$0")/lib.sh"; ...; finish
set -uo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
bin=${FD_BUILD_DIR:-$top/build/release}/bin
passed=0; failed=0
work=$(mktemp -d "${TMPDIR:-/tmp}/fdt-XXXXXX")
chmod 755 "$work"

ok() { passed=$((passed + 1)); echo "ok $1"; }
not_ok() { failed=$((failed + 1)); echo "not ok $1${2:+: $2}"; }
# check NAME COMMAND...: ok when the command succeeds
check() { local name=$1; shift; if "$@" > "$work/check.out" 2>&1; then ok "$name"; else not_ok "$name" "$(tail -n 3 "$work/check.out" | tr '\n' ' ')"; fi; }
# says NAME STATUS PATTERN COMMAND...: the command exits with STATUS and its output matches PATTERN (extended regular expression)
says() {
  local name=$1 status=$2 pattern=$3 got; shift 3
  "$@" > "$work/says.out" 2>&1 < /dev/null; got=$?
  if [ $got -ne "$status" ]; then not_ok "$name" "exit $got instead of $status: $(tail -n 3 "$work/says.out" | tr '\n' ' ')"
  elif ! grep -qE -- "$pattern" "$work/says.out"; then not_ok "$name" "nothing like '$pattern' in: $(tail -n 3 "$work/says.out" | tr '\n' ' ')"
  else ok "$name"; fi
}
# wait_for SECONDS COMMAND...: true as soon as the command succeeds, false at the deadline
wait_for() {
  local until=$((SECONDS + $1)); shift
  while ! "$@" > /dev/null 2>&1; do
    [ $SECONDS -lt $until ] || return 1
    sleep 0.1
  done
}
# processes that name the folder in their command line or environment (kernel threads and we ourselves left out)
left_in() {
  local dir=$1 p
  for p in /proc/[0-9]*; do
    [ "${p#/proc/}" != $$ ] && [ "${p#/proc/}" != "${BASHPID:-0}" ] || continue
    if tr '\0' '\n' < "$p/cmdline" 2>/dev/null | grep -qF -- "$dir"; then echo "${p#/proc/} $(tr '\0' ' ' < "$p/cmdline" 2>/dev/null)"; fi
  done 2>/dev/null
}
nothing_left() { [ -z "$(left_in "$1")" ]; }
free_port() { node -e 'const s=require("net").createServer();s.listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})'; }
# free_stack: sets $stack to a number nobody uses, with the four after it, until this script ends
free_stack() {
  mkfifo "$work/sign"
  node "$top/tests/integration/lib/stack-block.mjs" < "$work/sign" > "$work/stack" &
  exec {stack_sign}> "$work/sign" # closed by the end of this script, and with it ends the holder
  wait_for 10 test -s "$work/stack" || { not_ok "a stack number is free"; finish; }
  stack=$(cat "$work/stack")
}
finish() {
  local left; left=$(left_in "$work")
  if [ -n "$left" ]; then not_ok "nothing is left behind" "$left"; while read -r pid _; do kill -KILL "$pid" 2>/dev/null; done <<<"$left"; else ok "nothing is left behind"; fi
  rm -rf "$work" 2>/dev/null
  echo "$passed passed, $failed failed"
  [ $failed -eq 0 ]; exit
}
