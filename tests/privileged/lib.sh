# shellcheck shell=bash
# lib.sh: sourced by the cases. They get DOCTOR (the binary), WORK (an empty folder of their own, readable by all) and
# PRIVILEGED (this folder); their last line of output is the reason when they fail or are skipped.
set -eu

fail() { echo "$*" >&2; exit 1; }
skip() { echo "$*" >&2; exit 77; }
need() {
    local tool
    for tool; do command -v "$tool" >/dev/null || skip "no $tool on this machine"; done
}

# judged COMMAND…: runs a doctor that may find something (0, 1), but must be able to do its job, and not panic.
judged() {
    local status=0
    "$@" 2>"$WORK/stderr" || status=$?
    cat "$WORK/stderr" >&2
    [ "$status" -le 1 ] || fail "exit code $status: $*"
    ! grep -q panicked "$WORK/stderr" || fail "panicked: $*"
}

# holds EXPRESSION FILE: a Python expression over `d`, the JSON document in FILE.
holds() {
    python3 -c 'import json, sys
d = json.load(open(sys.argv[2], encoding="utf-8"))
sys.exit(not eval(sys.argv[1]))' "$1" "$2" || fail "in $(basename "$2") it is not true that: $1"
}

# only WRITABLE FOLDER WHAT: the traces in FOLDER hold nothing that trace.py forbids.
only() {
    python3 "$PRIVILEGED/trace.py" "$1" "$2"/trace.* >"$WORK/judgement" || {
        cat "$WORK/judgement"
        fail "$3: $(head -n 1 "$WORK/judgement")"
    }
}

# own_namespaces UNSHARE_OPTION…: the case starts again, as PID 1 among mounts of its own; both end with it, whatever
# is left in them.
# shellcheck disable=SC2119,SC2120 # most need no more
own_namespaces() {
    [ -z "${INSIDE:-}" ] || return 0
    INSIDE=yes exec unshare --mount --pid --fork --kill-child --mount-proc "$@" bash "$0"
}

# within SECONDS COMMAND…: 124 if it has not ended by then. Not timeout(1), which waits for a child that cannot be killed.
within() {
    local tries=$(($1 * 10)) pid
    shift
    "$@" &
    pid=$!
    while kill -0 $pid 2>/dev/null; do
        [ $tries -gt 0 ] || return 124
        tries=$((tries - 1))
        sleep 0.1
    done
    wait $pid
}

# own_cgroup NAME: sets $cgroup to a new one, in a v1 hierarchy of its own where v2 is not at /sys/fs/cgroup, and removes it
# when the case ends.
own_cgroup() {
    if [ -e /sys/fs/cgroup/cgroup.procs ]; then
        cgroups=/sys/fs/cgroup
    else
        cgroups=$WORK/cgroups
        mkdir "$cgroups"
        mount_hierarchy || skip "no cgroup hierarchy can be mounted"
    fi
    cgroup=$cgroups/$1
    trap remove_cgroup EXIT
    mkdir "$cgroup"
}

mount_hierarchy() { mount -t cgroup -o none,name=doctor-test none "$WORK/cgroups"; }

remove_cgroup() {
    local tries
    echo $$ >"$cgroups/cgroup.procs"
    find "$cgroup" -depth -type d -exec rmdir {} +
    [ "$cgroups" = "$WORK/cgroups" ] || return 0
    umount -l "$cgroups"
    # A hierarchy ends with its last mount, but only if the kernel is done with its cgroups, a moment after rmdir.
    for ((tries = 0; tries < 20; tries++)); do
        sleep 0.2
        grep -q name=doctor-test /proc/self/cgroup || return 0
        mount_hierarchy
        umount -l "$cgroups"
    done
    fail "the cgroup hierarchy doctor-test is left behind"
}
