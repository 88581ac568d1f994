#!/bin/bash
# The same bits with gcc and clang, at -O0 and -O3: builds the learner's rooms four ways in a temporary folder and compares the
# trace and model numbers of `check --determinism`. Uses what is installed; about half a minute. Ends with "N passed, N failed".
set -u
cd "$(dirname "$0")/../.." || exit 3
work=$(mktemp -d) || exit 3
trap 'rm -rf "$work"' EXIT
rooms=$(ls learn/{rng,sim,oracle,feat,policy,env,eval,nn,model,train,reco,mapek,rca,tools}/*.c common/{base,text}/*.c common/sys/{clock,file,dir,fault_page}.c)
want="" passed=0 failed=0
for compiler in gcc clang; do
        command -v "$compiler" >/dev/null || { echo "skipped $compiler: not installed"; continue; }
        for level in -O0 -O3; do
                objects=()
                for source in $rooms; do
                        extra=""
                        case $source in
                        *_avx512.c) extra="-mavx512f -mavx512dq -mavx512bw -mavx512vl" ;;
                        *_avx2.c) extra="-mavx2" ;;
                        esac
                        case $(uname -m) in x86_64) ;; *) extra="" ;; esac
                        object=$work/$(echo "$source" | tr / _).o
                        # shellcheck disable=SC2086
                        "$compiler" -std=gnu17 "$level" -ffp-contract=off -w -Wno-psabi -D_GNU_SOURCE -DFD_VERSION='"x"' -DFD_SOURCE_DIR='"."' -I. $extra -c "$source" -o "$object" || exit 3
                        objects+=("$object")
                done
                "$compiler" "${objects[@]}" -o "$work/learn" -lcjson -lyaml -lm -lpthread || exit 3
                got=$("$work/learn" check --determinism) || { echo "$got"; echo "not ok $compiler $level: check failed"; failed=$((failed + 1)); continue; }
                numbers=$(echo "$got" | grep -oE '(trace [a-z0-9]+|model) [0-9a-f]{16}')
                echo "$compiler $level: $(echo "$numbers" | tr '\n' ' ')"
                [ -z "$want" ] && want=$numbers
                if [ -n "$numbers" ] && [ "$numbers" = "$want" ]; then passed=$((passed + 1)); else echo "not ok $compiler $level: not the same bits"; failed=$((failed + 1)); fi
        done
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -ge 2 ]
