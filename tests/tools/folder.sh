# Runs the programs of a test folder and counts; sourced by ./test with $looks (files that may get a second look) set and fd_elapsed known.
out=build/test-output; mkdir -p "$out"
passed=0; failed=0; failures=(); unsteady=()
tally() { passed=$((passed + $1)); failed=$((failed + $2)); }

# A program that ends with "N passed, N failed"; its exit status must agree. Runs it and leaves "passed failed time" in NAME.count.
count_program() { # NAME TIMEOUT_S COMMAND...
  local name=$1 limit=$2 began file log line p f status; shift 2
  file="$out/${name//\//_}"; log=$file.log; began=$(date +%s%N)
  timeout --kill-after=20 "$limit" "$@" > "$log" 2>&1 < /dev/null; status=$?
  line=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$log" | tail -n 1)
  p=$(sed -E 's/^([0-9]+) passed.*/\1/' <<<"${line:-0 passed}"); f=$(sed -E 's/.*passed, ([0-9]+) failed.*/\1/' <<<"${line:-0 passed, 0 failed}")
  if [ $status -eq 124 ]; then f=$((f + 1)); echo "not ok $name ends within $limit s" >> "$log"; fi
  if [ $status -ne 0 ] && [ "$f" = 0 ]; then f=1; echo "not ok $name ended with status $status" >> "$log"; fi
  if [ -z "$line" ] && [ $status -eq 0 ]; then f=1; echo "not ok $name printed no count" >> "$log"; fi
  printf '%s %s %s\n' "$p" "$f" "$(fd_elapsed "$began")" > "$file.count"
}
report() { # NAME [again]: tells what count_program left; with "again", a failure is not counted yet but looked at a second time
  local name=$1 file p=0 f=1 took=-
  file="$out/${name//\//_}"
  read -r p f took < "$file.count"; rm -f "$file.count"
  printf '  %-44s %s passed, %s failed, %s\n' "$name" "$p" "$f" "$took"
  if [ "$f" != 0 ] && [ "${2:-}" = again ] && [ ${#again[@]} -lt $looks ]; then again+=("$name"); cp "$file.log" "$file.first.log"; else tally "$p" "$f"; [ "$f" = 0 ] || failures+=("$name"); fi
  if [ "$f" != 0 ]; then grep -E '^not ok' -A 3 "$file.log" | cut -c 1-600 | head -n 40 | sed 's/^/      /'; tail -n 8 "$file.log" | cut -c 1-600 | sed 's/^/      | /'; fi
}
again=() # names that failed and get a second look
declare -A running=() # process number -> name of what runs side by side
# Ctrl-C does not reach programs in the background by itself.
end_running() {
  local pid
  for pid in "${!running[@]}"; do kill -TERM $(cat "/proc/$pid/task/$pid/children" 2>/dev/null) 2>/dev/null; done
  wait; fd_say "interrupted"; exit 130
}
trap end_running INT TERM
run_counted() { count_program "$@"; report "$1"; } # NAME TIMEOUT_S COMMAND...

# What failed beside others runs once more, whole and by itself. It is named at the end either way, and its first output is kept.
look_again() { # PART TIMEOUT_S
  local names=("${again[@]}") name before; again=()
  looks=$((looks - ${#names[@]}))
  for name in "${names[@]}"; do
    before=$failed
    run_counted "$name" "$2" "tests/$name"
    if [ "$failed" = "$before" ]; then unsteady+=("$name"); fi
  done
}

# The programs of a folder side by side, at most JOBS at a time: they wait for events far more than they compute. One that measures says "Runs alone"
# in its first lines and has the machine to itself, after the others.
run_folder() { # PART TIMEOUT_S JOBS
  local part=$1 limit=$2 jobs=$3 t name alone=() long=() short=() pid second=
  case $part in integration|browser) second=again;; esac
  for t in tests/"$part"/*; do
    [ -x "$t" ] && [ -f "$t" ] || continue
    if head -n 6 "$t" | grep -q 'Runs alone'; then alone+=("$t"); elif head -n 6 "$t" | grep -q 'Takes minutes'; then long+=("$t"); else short+=("$t"); fi
  done
  for t in "${long[@]}" "${short[@]}"; do # the long ones first, so that none of them is waited for at the end
    name=$part/${t##*/}
    while [ ${#running[@]} -ge "$jobs" ]; do wait -n -p pid "${!running[@]}"; report "${running[$pid]}" $second; unset "running[$pid]"; done
    count_program "$name" "$limit" "$t" & running[$!]=$name
  done
  while [ ${#running[@]} -gt 0 ]; do wait -n -p pid "${!running[@]}"; report "${running[$pid]}" $second; unset "running[$pid]"; done
  for t in "${alone[@]}"; do count_program "$part/${t##*/}" "$limit" "$t"; report "$part/${t##*/}" $second; done
  look_again "$part" "$limit"
}
