#!/bin/bash
# The model fitted to the stack is what its commands make: the measures from the recordings, the bytes from the measures. Ends with "N passed, N failed".
top=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d) || exit 3
trap 'rm -rf "$work"' EXIT
learn=${FD_BUILD_DIR:-$top/build/release}/bin/firedrill-learn
passed=0 failed=0
verdict() { if [ "$1" = 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "not ok: $2"; fi; }

for name in fit actions; do gunzip -c "$top/models/calibration/$name.rec.gz" > "$work/$name.rec" || exit 3; done
"$learn" calibrate --fit "$work/fit.rec" --actions "$work/actions.rec" --out "$work/calibration.json" || exit 3
# How much the trained model is surprised is known only after training.
cmp <(grep -v '"known"' "$work/calibration.json") <(grep -v '"known"' "$top/models/calibration.json"); verdict $? "the measures are those of the recordings"

"$learn" calibrate --from "$top/models/calibration.json" --tune 100 --model "$work/live.fdlm" > "$work/said" || exit 3
cmp "$work/live.fdlm" "$top/models/live.fdlm"; verdict $? "the model is made from the measures, bit for bit"

echo '{"version":1,"base":[[1]]}' > "$work/bad.json"
"$learn" calibrate --from "$work/bad.json" --model "$work/x.fdlm" 2> "$work/said"; [ $? = 3 ] && grep -q "bad.json: 'base' must be a list of 3 lists" "$work/said"; verdict $? "a wrong file is named with its field"
echo 'no recording' > "$work/bad.rec"
"$learn" calibrate --fit "$work/bad.rec" --out "$work/x.json" 2> "$work/said"; [ $? = 3 ] && grep -q "bad.rec:1: " "$work/said"; verdict $? "a wrong recording is named with its line"
"$learn" calibrate --out "$work/x.json" 2> "$work/said"; [ $? = 2 ]; verdict $? "without a source it is wrong use"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
