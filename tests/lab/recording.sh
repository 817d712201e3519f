# shellcheck shell=bash
# recording.sh: sourced by a machine's run.sh. Checks that an environment is what it claims to be, runs the doctor in it
# and brings the bundle out.
#
# Variables: LAB (folder of the scripts), WORK (scratch), OUT (where results go), DOCTOR (the binary), MACHINE, ONLY
# (the scenarios that are wanted; all if empty).
# shellcheck disable=SC2016 # code in single quotes runs in the environment, not here

# What runs inside. The doctor comes on standard input, so that no mount of ours appears in the environment; /var/tmp,
# because containers often have a noexec tmpfs on /tmp. The path is fixed: a random one would change every bundle.
recorder='set -eu
    place=/var/tmp/dind-doctor; rm -rf $place; mkdir -p $place
    cat >$place/doctor; chmod 755 $place/doctor
    $place/doctor capture $CAPTURE_OPTIONS -o $place/bundle </dev/null >&2
    uname -r >$place/kernel
    tar -C $place -cf - bundle kernel
    rm -rf $place'

# record NAME CLAIM… -- [PREFIX…]: records scenario NAME in the environment that PREFIX enters (`docker exec -i x`, …).
# A CLAIM is a line of shell that must hold in there (claims.sh has words for them); it also documents the scenario.
record() {
    local name=$1 claims=() claim out=$OUT/$1
    shift
    while [ "$1" != -- ]; do claims+=("$1"); shift; done
    shift
    wanted "$name" || return 0
    for claim in "${claims[@]}"; do
        if ! "$@" /bin/sh -c "$(cat "$LAB/claims.sh"); $claim" </dev/null; then
            give_up "$name: it is not true that: $claim"
            return 0 # what else is recorded of this environment may still hold
        fi
    done
    rm -rf "$out"
    mkdir -p "$out"
    if ! "$@" /bin/sh -c "CAPTURE_OPTIONS='${CAPTURE_OPTIONS}' ASSUME='${ASSUME:-}'; $recorder" <"$DOCTOR" >"$out/tar" 2>"$out/log"; then
        give_up "$name: the doctor failed: $(cat "$out/log")"
        rm -rf "$out"
        return 0
    fi
    tar -C "$out" -xf "$out/tar"
    rm "$out/tar"
    facts_of_recording "$(cat "$out/kernel")" "${claims[@]}" >"$out/recorded.toml"
    echo "recorded $name ($(du -sk "$out/bundle" | cut -f 1) KiB)"
}

wanted() { [ -z "${ONLY:-}" ] || case " $ONLY " in *" $1 "*) ;; *) return 1 ;; esac }

# The [recorded] table of scenario.toml, but for what the driver knows (name, machine, description).
# Versions come from the package database: asking the programs would open sockets and load modules.
facts_of_recording() {
    local kernel=$1 claim package version
    shift
    echo 'verified = ['
    for claim; do echo "    '$claim',"; done
    echo ']'
    [ -z "${ASSUME:-}" ] || echo "assume = \"$ASSUME\""
    echo
    echo '[recorded.versions]'
    echo "kernel = \"$kernel\""
    [ -z "${other_versions:-}" ] || echo "$other_versions" # of what is not installed as a package
    for package in containerd crun docker.io iptables lxc nftables podman runc runsc systemd tini; do
        version=$(dpkg-query -W -f '${Version}' "$package" 2>/dev/null) || continue
        [ -z "$version" ] || echo "${package%.io} = \"$version\""
    done
}

# give_up TEXT: notes what could not be recorded; the driver prints these lines and fails.
give_up() { echo "NOT RECORDED $1" | tee -a "$OUT/failures"; }

# environment FUNCTION SCENARIO…: builds an environment and records its SCENARIOs (named without "$MACHINE-", if they begin so),
# if any of them is wanted. A failure in it costs nothing but these.
environment() {
    local function=$1 scenario any=''
    shift
    for scenario; do
        ! wanted "$scenario" && ! wanted "$MACHINE-$scenario" || any=yes
    done
    [ -n "$any" ] || return 0
    echo "--- $function $(date +%T)"
    apart "$function"
    save
}

# apart FUNCTION: a failure in it costs nothing but what it was to make.
apart() {
    local status
    set +e
    (
        set -e
        "$1"
    )
    status=$?
    set -e
    [ $status = 0 ] || give_up "$1: its set-up ended with $status"
}

# In a machine that is stopped at its time limit, what was recorded so far is not lost.
save() { [ -z "${SAVE_TO:-}" ] || { tar -C "$OUT" -cf "$SAVE_TO" . && sync; }; }

# eventually COMMAND…: waits until it succeeds; a minute, because emulated machines are slow.
eventually() {
    local try
    for try in $(seq 60); do
        ! "$@" >/dev/null 2>&1 || return 0
        sleep 1
    done
    echo "gave up after $try tries: $*" >&2
    return 1
}
