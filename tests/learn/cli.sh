#!/bin/bash
# firedrill-learn as a user meets it: help, JSON, exit codes, hostile arguments and files, Ctrl-C. Ends with "N passed, N failed".
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
learn=${FD_BUILD_DIR:-$top/build/release}/bin/firedrill-learn
work=$(mktemp -d) || exit 3
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

# row NAME EXPECTED_EXIT EXPECTED_TEXT ARGUMENT...
row() {
        local name=$1 want=$2 text=$3 got; shift 3
        timeout 60 "$learn" "$@" > "$work/out" 2>&1 < /dev/null; got=$?
        if [ $got = "$want" ] && grep -qF -- "$text" "$work/out"; then passed=$((passed + 1)); echo "ok     $name"
        else failed=$((failed + 1)); echo "not ok $name: exit $got, expected $want and '$text'"; head -c 300 "$work/out"; fi
}
is() { if [ "$2" = "$3" ]; then passed=$((passed + 1)); echo "ok     $1"; else failed=$((failed + 1)); echo "not ok $1: '$2', expected '$3'"; fi; }

row 'no command' 2 'usage:'
row 'help' 0 'Exit codes' --help
row 'version' 0 'firedrill-learn' --version
row 'a mistyped command' 2 "did you mean 'train'" trian
for c in sim train eval oracle report bench check replay; do row "$c --help" 0 'usage: firedrill-learn' $c --help; done
row 'a mistyped option' 2 "did you mean '--episodes'" eval --episods 3
row 'no option' 2 'is not an option' eval 3
row 'a missing value' 2 'needs a value' eval --episodes
row 'a negative number' 2 'whole number from' eval --episodes -4
row 'no number' 2 'whole number from' eval --episodes many
row 'a huge number' 2 'whole number from' train --out x --episodes 99999999999999999999
row 'no output file' 2 'needs --out' train
row 'an unknown learner' 2 'qtab or dqn' train --out "$work/m" --learner magic
row 'a model that is not there' 3 'nosuch.fdlm' eval --model "$work/nosuch.fdlm"
head -c 3000 /dev/urandom > "$work/noise.fdlm"
row 'a model that is noise' 3 'not a model file' replay --model "$work/noise.fdlm"
head -c 5000 "$top/models/default.fdlm" > "$work/cut.fdlm"
row 'a model cut short' 3 'its head says' replay --model "$work/cut.fdlm"
{ cat "$top/models/default.fdlm"; } > "$work/bent.fdlm"; printf 'x' | dd of="$work/bent.fdlm" bs=1 seek=9000 conv=notrunc 2> /dev/null
row 'a damaged model' 3 'checksum' replay --model "$work/bent.fdlm"
row 'an unknown environment' 2 "did you mean 'sim1'" sim --env sim2
row 'an unknown action' 2 '--action is' sim --action explode
row 'a target that is not there' 2 '--target counts from 0' sim --target 3
row 'a metric record' 0 '"error_rate"' sim --steps 3
row 'twelve services' 0 '"service":"db"' sim --env sim12 --steps 1
row 'advice with its reasons' 0 '"p_optimal"' replay --episode 2 --steps 3 --json
row 'an unwritable output' 3 'nosuch' train --out "$work/nosuch/m" --episodes 100 --collect 200 --tune 1 --calibrate 300
printf 'error_rate,latency_ms,cpu_pct,memory_pct,load_level,restart_count,up,admission,action\n.1,90,40,45,1,0,1,1,ignore\n.2,120,45,50,1,0,1,1,delay\n.3,130,50,55,1,0,1,1,ignore\n' > "$work/incident.csv"
row 'a recorded incident' 0 'errors' replay --recording "$work/incident.csv"
printf '.1,90,40,45,1,0,1,1,ignore\n.1,90,forty,45,1,0,1,1,ignore\n' > "$work/bad.csv"
row 'a recording with a word for a number' 3 "line 2: cpu_pct is 'forty'" replay --recording "$work/bad.csv"

row 'root causes of incidents' 0 'AC@1 over the strongest anomaly' eval --causes 40
row 'root causes as JSON' 0 '"cascade":{"incidents"' eval --causes 40 --json
row 'an environment that cannot be compared in' 2 "--env is 'moon', expected sim1 or sim12" eval --env moon
row 'learned dynamics are no simulator' 2 "eval --dynamics" sim --env dyn
row 'the topology, its policies and bounds' 0 'services apart, everything seen' eval --env sim12 --episodes 64 --train 64 --seeds 1 --tune 1 --replicates 100
"$learn" sim --steps 40 --seed 5 --truth "$work/truth" > "$work/a"
is 'the failure type is in the truth channel only' "$(grep -c failure_type "$work/a") $(grep -c failure_type "$work/truth")" '0 41'
"$learn" sim --steps 40 --seed 5 > "$work/b"
is 'the same seed, the same incident' "$(cmp "$work/a" "$work/b" && echo same)" same

"$learn" train --out "$work/m1" --episodes 2000 --collect 300 --tune 2 --calibrate 300 > /dev/null 2>&1
"$learn" train --out "$work/m2" --episodes 2000 --collect 300 --tune 2 --calibrate 300 > /dev/null 2>&1
is 'the same training, the same file' "$(cmp "$work/m1" "$work/m2" && echo same)" same
# stopped LINE ARGUMENT...: interrupts it as soon as it tells a line that begins so. Leaves its exit status, "out" and "err".
stopped() {
        local until=$1 told=$work/told.$RANDOM pid line; shift
        mkfifo "$told"
        "$learn" "$@" > "$work/out" 2> "$told" & pid=$!
        exec 3< "$told"
        : > "$work/err"
        while read -rt 120 line <&3; do echo "$line" >> "$work/err"; case $line in "$until"*) break ;; esac; done
        kill -INT $pid
        cat <&3 >> "$work/err"
        wait $pid
}
# Ctrl-C during learning keeps the best so far: interrupt as soon as progress is told.
stopped 'Q-learning' train --out "$work/kept" --collect 200 --tune 1 --calibrate 300 --episodes 50000000
is 'Ctrl-C ends well' $? 0
is 'Ctrl-C keeps what was learned' "$(head -c 4 "$work/kept")" FDLM
row 'what was kept can be used' 0 'advice' replay --model "$work/kept" --steps 2 --json
# An evaluation keeps what was played to its end and says how much that was.
stopped 'learning the topology' eval --env sim12 --episodes 64 --train 10000000 --seeds 2 --tune 1 --replicates 100
is 'Ctrl-C ends the topology well' $? 0
is 'Ctrl-C in the topology says what it keeps' "$(grep -c '^interrupted: 4 of 6 policies were played to the end, with 0 of 2 training seeds; they were kept$' "$work/err")" 1
is 'Ctrl-C in the topology keeps the rules' "$(grep -cE '^(ignore|literal-rule|tuned-rule|belief-rule) ' "$work/out") $(grep -cE '^(factored|clairvoyant) |the optimum lies' "$work/out")" '4 0'
stopped 'learning the topology' eval --env sim12 --episodes 64 --train 10000000 --seeds 2 --tune 1 --replicates 100 --json
is 'Ctrl-C in the topology leaves whole JSON' "$(node -e 'const j = JSON.parse(require("fs").readFileSync(0)); console.log(j.interrupted, j.policies.length, j.claims.length)' < "$work/out")" 'true 4 0'
stopped 'tuning the rule' eval --env sim12 --episodes 64 --tune 10000 --seeds 1 --replicates 100
is 'Ctrl-C in the tuning keeps what came before it' "$? $(grep -cE '^(ignore|literal-rule) ' "$work/out") $(grep -c '^interrupted: 2 of 6' "$work/err")" '0 2 1'
stopped 'tabular policy, training seed 2' report --out "$work/report" --seeds 3 --side-seeds 1 --episodes 20 --train-episodes 2000 --tune 1 --replicates 100
is 'Ctrl-C ends a report well' $? 0
is 'Ctrl-C in a report says what it keeps' "$(grep -c '^interrupted: what was trained and played by 1 training seeds and 8 policies is reported$' "$work/err")" 1
is 'an interrupted report says so on its page' "$(grep -c 'interrupted after 1 training seeds, 8 policies' "$work/report/report.html") $(grep -c '^qtab,' "$work/report/policies.csv")" '1 8' # a line a metric

echo "$passed passed, $failed failed"
[ $failed = 0 ]
