# shellcheck shell=bash
# trace-of-trials.sh: what a trial could leave, and doctors that are killed in the middle of one; sourced after lib.sh.

# Everything that a trial touches, and that must be as it was.
state() {
    echo "== mounts"
    cat /proc/self/mountinfo
    echo "== cgroups"
    # Others on this machine make cgroups too, beside that of these tests.
    own=$(sed -n 's/^[0-9]*:\(memory\|\)://p' /proc/self/cgroup | grep -m 1 '^/.*/' || echo /none/here)
    awk '$3 ~ /^cgroup2?$/ { print $2 }' /proc/self/mounts | while read -r mounted; do
        find "$mounted" -xdev -type d ! -path '*doctor-test*' ! -path '/sys/fs/cgroup/*/docker*' \
            \( ! -path "$mounted${own%/*}/?*" -o -path "$mounted$own" -o -path "$mounted$own/*" \) 2>/dev/null
    done | sort
    echo "== nft"
    if command -v nft >/dev/null; then nft list ruleset 2>&1; fi
    echo "== legacy"
    for family in ip ip6; do
        cat /proc/net/${family}_tables_names 2>/dev/null | sort
        # Listing a table registers it: only those that are there already.
        { cat /proc/net/${family}_tables_names 2>/dev/null || true; } | while read -r table; do
            "${family}tables-legacy-save" -t "$table" 2>/dev/null | sed '/^#/d; s/\[.*\]//'
        done
    done
    echo "== links"
    cut -d : -f 1 /proc/net/dev | tail -n +3 | sort
    cat /proc/net/route
    echo "== files"
    for directory in / /var /var/lib /var/lib/docker /var/lib/containerd /run "$HOME"/.local/share; do
        # shellcheck disable=SC2012 # names alone
        ls -A "$directory" 2>/dev/null | sed "s|^|$directory: |"
    done
    echo "== keys"
    # Serial, flags, permissions, uid, gid, type, description: without usage counts and expiry.
    # Containers that others start meanwhile have a keyring each; those of a trial are numbered.
    awk '!/ _ses\.[0-9a-f]/ || / _ses\.0000000000/ { $3 = $4 = ""; print }' /proc/keys 2>/dev/null | sort
    echo "== sysctls"
    grep -rs . /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/net/ipv4/conf \
        /proc/sys/net/ipv6/conf/default /proc/sys/net/bridge /proc/sys/kernel/keys \
        /proc/sys/user /proc/sys/fs/inotify /proc/sys/net/netfilter/nf_conntrack_max || true
    echo "== network namespaces"
    # Those that no process is in are not seen; a link to one would be.
    ls /run/netns /var/run/netns 2>/dev/null || true
}

before() { state >"$WORK/before"; }

# unchanged WHAT
unchanged() {
    state >"$WORK/after"
    diff "$WORK/before" "$WORK/after" >"$WORK/difference" || {
        cat "$WORK/difference"
        fail "$1: $(grep -m 1 '^[<>]' "$WORK/difference")"
    }
}

# active TRIAL: sets $options. The trial of a path begins only where it is told to what.
active() {
    options=("--active=$1" --format json --timeout 60)
    if [ "$1" = mtu ]; then options+=(--mtu-target "$TARGET"); fi
}

# What the doctors are started by: who moves them into a cgroup, and who makes them another user.
launcher=() as=()

# worth_killing FILE: the trials that were made in this report; some are skipped as root.
worth_killing() {
    python3 -c 'import json, sys
names = (t["name"] for t in json.load(open(sys.argv[1]))["trials"] if t["status"] != "skipped")
print(*dict.fromkeys(names), sep="\n")' "$1"
}

# slowly TRIAL: a doctor whose trial has made something and is held there; sets $victim and $tracer.
slowly() {
    rm -f "$WORK/trace" "$WORK/out"
    active "$1"
    # It is held when its guardian has made its places, and has forked it.
    "${launcher[@]}" strace -f -qq -o "$WORK/trace" -e trace=setpgid,setsid,execve \
        -e inject=setpgid:delay_exit=2500000 "${as[@]}" "$DOCTOR" "${options[@]}" >"$WORK/out" 2>&1 &
    tracer=$!
    within 30 held || fail "$1: no trial was begun: $(head -c 300 "$WORK/out")"
    victim=$(sed -n '1s/ .*//p' "$WORK/trace")
}
# The first guardian looks for what is left.
held() { until [ "$(sed -n '/setsid/,$p' "$WORK/trace" 2>/dev/null | sed '1d' | sed -n '/setsid/,$p' | grep -c setpgid)" -ge 2 ]; do sleep 0.05; done; }

# killed TRIAL SECONDS: a doctor that is killed after that time, wherever it is then.
killed() {
    active "$1"
    "${as[@]}" "$DOCTOR" "${options[@]}" >"$WORK/out" 2>&1 &
    victim=$!
    sleep "$2"
    kill -KILL "$victim" 2>/dev/null || true
    wait "$victim" 2>/dev/null || true
    within 20 no_guardian || fail "$1: a guardian still runs 20 s after the doctor was killed"
}
no_guardian() { while grep -qs '^Name:.doctor$' /proc/[0-9]*/status; do sleep 0.1; done; }

# The doctor, guardians and trials.
family() { cut -d ' ' -f 1 "$WORK/trace" | sort -u; }
gone() {
    local pid
    for pid in $(family); do
        while kill -0 "$pid" 2>/dev/null && ! grep -qs '^State:.Z' "/proc/$pid/status"; do sleep 0.1; done
    done
    wait "$tracer" 2>/dev/null || true
}

# As the end of a container or of its cgroup does it: nobody is left to clean up. What is left then is in WORK/left.
all_killed() {
    local pids
    mapfile -t pids < <(family)
    # Nobody gets to run between two of the kills.
    kill -STOP "${pids[@]}" 2>/dev/null || true
    kill -KILL "${pids[@]}" 2>/dev/null || true
    within 20 gone || fail "something survived SIGKILL"
    note_left
}

note_left() {
    state | diff "$WORK/before" - | sed -n 's|^> \(/.*\): \(\.dind-doctor-trial-.*\)|\1/\2|p; s|^> \(/sys.*/\.dind-doctor-trial-[^/]*\)$|\1|p' |
        sed 's|^//|/|' | sort -u >"$WORK/left"
}

# no_keys UID: the user has no key left, and thereby nothing of the quota; the kernel collects keys a moment after their
# process has ended.
no_keys() { while grep -qs "^ *$1:" /proc/key-users; do sleep 0.1; done; }

# cleaned TRIAL: the next doctor removes what is left, and says so.
cleaned() {
    active "$1"
    judged "${as[@]}" "$DOCTOR" "${options[@]}" >"$WORK/next.json"
    unchanged "$1, with everything killed, after the next run"
    [ -s "$WORK/left" ] || return 0
    while read -r path; do
        holds "any(t['name'] == 'leftovers' and any(s['object'] == '$path' and s['worked'] for s in t['steps'])
                   for t in d['trials'])" "$WORK/next.json"
    done <"$WORK/left"
}
