#!/bin/bash
# The Python module against a port of Gymnasium's environment checker, without NumPy and, where Debian's is there, with it.
# Ends with "N passed, N failed".
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
library=${FD_BUILD_DIR:-$top/build/release}/lib/libfiredrill_learn.so
python=python3 passed=0 failed=0
if /usr/bin/python3 -c 'import numpy' 2> /dev/null; then python=/usr/bin/python3; fi

# run NAME OPTION...: -S leaves out what was installed beside the standard library, NumPy too.
run() {
        local name=$1 line; shift
        echo "# $name"
        line=$("$python" "$@" "$top/learn/python/check.py" "$library" "$top/models/default.fdlm" | tee /dev/stderr | grep -E '^[0-9]+ passed, [0-9]+ failed' | tail -n 1)
        read -r p _ f _ <<< "${line:-0 passed, 1 failed}"
        passed=$((passed + p)) failed=$((failed + f))
}
run 'without NumPy' -S
if "$python" -c 'import numpy' 2> /dev/null; then run "with NumPy"; else echo 'skipped: NumPy is not installed'; fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
