#!/bin/sh
# Prepares this container for a nested Docker daemon, starts the daemon, waits until it answers, and becomes the
# command that it was given: its exit status is that of the command. What differs from one container to the next
# is looked up at each start. Written by doctor fix for:
#   @FOR@
#
#   ENTRYPOINT ["/usr/local/bin/dind-entrypoint", the words of the image's own ENTRYPOINT]
#   CMD the image's own
#
# Without a command it becomes dockerd. DOCKERD_ARGS has more arguments for dockerd, DIND_LOG its log,
# DIND_WAIT how many seconds to wait for it.
set -u

mtu_at_most=@MTU@
flavour=@FLAVOUR@
file=@DAEMON_JSON@
daemon_wanted=@DAEMON@
log=${DIND_LOG:-/var/log/dockerd.log}
cgroups=/sys/fs/cgroup

say() { printf 'dind-entrypoint: %s\n' "$*" >&2; }
has() { command -v "$1" > /dev/null 2>&1; }

# What has to be PID 1 itself, perhaps behind an entrypoint of its own, as in the nodes of kind.
is_system() {
    for last; do :; done
    for word in "${1-}" "${last-}"; do
        case ${word##*/} in init | systemd) return 0 ;; esac
    done
    return 1
}

# PID 1 has to reap orphans and to pass signals on; most commands do neither.
under_init() {
    if [ "$$" -ne 1 ] || [ -n "${DIND_INIT-}" ]; then return; fi
    if is_system "$@"; then return; fi
    for init in docker-init tini tini-static dumb-init catatonit; do
        if has "$init"; then
            DIND_INIT=$init
            export DIND_INIT
            exec "$init" -- "$0" "$@"
        fi
    done
    say "there is no tini here: the command is PID 1, and has to reap orphans by itself"
}

# A cgroup namespace of its own, where this container has none and one can be made.
in_own_namespace() {
    if [ -n "${DIND_CGROUPNS-}" ] || [ ! -e "$cgroups/cgroup.controllers" ]; then return; fi
    own=$(sed -n 's/^0:://p' /proc/self/cgroup)
    # One that is named after another base than this has been left already.
    case $own in "" | / | /init | */..*) return ;; esac
    [ -d "$cgroups$own" ] || return
    unshare --cgroup true 2> /dev/null || return
    DIND_CGROUPNS=own
    export DIND_CGROUPNS
    exec unshare --cgroup -- "$0" "$@"
}

# The mount keeps showing the tree that it was made in, until it is made anew.
new_cgroup_mount() {
    if [ "${DIND_CGROUPNS-}" != own ]; then return; fi
    umount "$cgroups" 2> /dev/null
    mount -t cgroup2 cgroup2 "$cgroups" || say "cannot mount cgroup2 anew"
    DIND_CGROUPNS=mounted
}

# cgroup v2: a cgroup that has processes cannot have children with controllers. They go to a leaf; since some fork
# meanwhile, it is tried again.
nest() {
    base=$1
    [ -w "$base/cgroup.procs" ] || return
    mkdir -p "$base/init" || return
    tries=0
    while [ "$tries" -lt 50 ]; do
        while read -r pid; do
            echo "$pid" > "$base/init/cgroup.procs"
        done < "$base/cgroup.procs" 2> /dev/null
        if sed -e 's/ / +/g' -e 's/^/+/' "$base/cgroup.controllers" > "$base/cgroup.subtree_control" 2> /dev/null; then
            # Go and Java look for the quota in their own cgroup only.
            if [ -e "$base/cpu.max" ]; then cat "$base/cpu.max" > "$base/init/cpu.max"; fi
            return
        fi
        tries=$((tries + 1))
        sleep 0.1
    done
    say "cannot enable the controllers of $base: limits of nested containers will fail"
}

cgroup_v2() {
    own=$(sed -n 's/^0:://p' /proc/self/cgroup)
    own=${own%/init}
    case $own in
    "" | / | *..*) nest "$cgroups" ;;
    *)
        # The host's tree: below the own part of it.
        if [ -d "$cgroups$own" ]; then
            nest "$cgroups$own"
            parent=$own/docker
        else
            nest "$cgroups"
        fi
        ;;
    esac
}

# cgroup v1: where the host's hierarchies are mounted, the daemon's cgroups go below the own. Where the own cgroup is
# mounted under the host's name for it, it gets a mount at that name too.
cgroup_v1() {
    while IFS=: read -r _ names own; do
        name=${names#name=}
        place=$cgroups/$name
        if [ -z "$name" ] || [ "$own" = / ] || [ ! -d "$place" ]; then continue; fi
        root=$(awk -v place="$place" '$5 == place { root = $4 } END { print root }' /proc/self/mountinfo)
        case $root in
        /) case ,$names, in *,memory,*) parent=$own/docker ;; esac ;;
        "$own")
            if [ ! -e "$place$own/cgroup.procs" ] && mkdir -p "$place$own"; then
                mount --bind "$place" "$place$own" || say "cannot mount $place at the name $own"
            fi
            ;;
        esac
    done < /proc/self/cgroup
}

# Mounts made below / are to be seen by nested containers, and theirs here.
propagate() {
    mount --make-rshared / 2> /dev/null || say "cannot make / a shared mount: it takes CAP_SYS_ADMIN"
    # dockerd looks there for AppArmor.
    if [ -d /sys/kernel/security ] && [ ! -e /sys/kernel/security/lsm ]; then
        mount -t securityfs none /sys/kernel/security 2> /dev/null
    fi
}

# What an earlier start of this container has left; the number may be another process's now.
clean() {
    for pidfile in /run/docker.pid /var/run/docker.pid /run/docker/containerd/containerd.pid; do
        if [ ! -f "$pidfile" ]; then continue; fi
        case $(cat "/proc/$(cat "$pidfile")/comm" 2> /dev/null) in
        dockerd | containerd) ;;
        *) rm -f "$pidfile" ;;
        esac
    done
}

# The flavour of iptables that the kernel serves, by links that come first on the PATH.
firewall() {
    if ! has iptables; then return; fi
    if [ -z "$flavour" ] && iptables -w -t nat -S > /dev/null 2>&1; then return; fi
    for wanted in ${flavour:-nft legacy}; do
        if ! has "iptables-$wanted" || ! "iptables-$wanted" -w -t nat -S > /dev/null 2>&1; then continue; fi
        mkdir -p /run/dind-entrypoint
        for program in iptables iptables-save iptables-restore ip6tables ip6tables-save ip6tables-restore; do
            # iptables-legacy-save, and not iptables-save-legacy.
            name=${program%%-*}-$wanted
            case $program in *-*) name=$name-${program#*-} ;; esac
            target=$(command -v "$name") && ln -sf "$target" "/run/dind-entrypoint/$program"
        done
        PATH=/run/dind-entrypoint:$PATH
        export PATH
        return
    done
    say "no iptables here can make rules: dockerd will say why"
}

# Whether an option of dockerd is set already: it refuses one that stands in two places.
is_set() {
    if [ -f "$file" ] && grep -q "\"$1\"[[:space:]]*:" "$file"; then return 0; fi
    option=$1
    shift
    for argument in "$@" ${DOCKERD_ARGS-}; do
        case $argument in --"$option" | --"$option"=*) return 0 ;; esac
    done
    return 1
}

# The MTU of the way out, if it is less than what dockerd takes for granted.
way_out() {
    device=$(awk '$2 == "00000000" && $8 == "00000000" { print $1; exit }' /proc/net/route 2> /dev/null)
    mtu=1500
    if [ -n "$device" ] && [ -r "/sys/class/net/$device/mtu" ]; then mtu=$(cat "/sys/class/net/$device/mtu"); fi
    if [ -n "$mtu_at_most" ] && [ "$mtu" -gt "$mtu_at_most" ]; then mtu=$mtu_at_most; fi
    echo "$mtu"
}

# The arguments of dockerd that are computed, as words of the shell: none has a character that it would read.
computed() {
    mtu=$(way_out)
    if [ "$mtu" -lt 1500 ] && ! is_set mtu "$@"; then
        printf ' --mtu=%s' "$mtu"
        major=$(dockerd --version 2> /dev/null | sed -n 's/^Docker version \([0-9]*\)\..*/\1/p')
        if [ "${major:-0}" -ge 24 ] && ! is_set default-network-opts "$@" && ! is_set default-network-opt "$@"; then
            printf ' --default-network-opt=bridge=com.docker.network.driver.mtu=%s' "$mtu"
        fi
    fi
    case $parent in
    "" | *[!A-Za-z0-9/_.:@-]*) ;;
    *) is_set cgroup-parent "$@" || printf ' --cgroup-parent=%s' "$parent" ;;
    esac
}

answers() {
    # It may listen elsewhere than at the default socket.
    { has docker && (unset DOCKER_HOST DOCKER_CONTEXT && docker version) > /dev/null 2>&1; } ||
        grep -q 'API listen on' "$log" 2> /dev/null
}

await() {
    left=${DIND_WAIT:-60}
    while ! answers; do
        if ! kill -0 "$daemon" 2> /dev/null || [ "$left" -le 0 ]; then
            say "dockerd does not answer; the end of $log:"
            tail -n 20 "$log" >&2
            exit 1
        fi
        left=$((left - 1))
        sleep 1
    done
}

prescribed() {
    :
@PRESCRIBED@
}

under_init "$@"
in_own_namespace "$@"
parent=
propagate
new_cgroup_mount
if [ -e "$cgroups/cgroup.controllers" ]; then cgroup_v2; else cgroup_v1; fi
clean
prescribed
firewall
unset DIND_INIT DIND_CGROUPNS

if is_system "$@"; then exec "$@"; fi
# What is to run here needs no dockerd, which may not even be in the image.
if [ "$daemon_wanted" = no ] && [ "$#" -gt 0 ]; then exec "$@"; fi
case ${1-} in "" | -*) set -- dockerd "$@" ;; esac
starts=${1##*/}
# The entrypoint of docker:dind starts dockerd if it is told so, or nothing.
if [ "$starts" = dockerd-entrypoint.sh ]; then
    case ${2-} in "" | -* | dockerd) starts=dockerd ;; esac
fi
case $starts in
dockerd)
    # shellcheck disable=SC2046,SC2086  # Words without spaces.
    exec "$@" $(computed "$@") ${DOCKERD_ARGS-}
    ;;
esac
mkdir -p "$(dirname "$log")"
# Emptied first, or what an earlier daemon said would be taken for this one's.
true > "$log"
# shellcheck disable=SC2046,SC2086  # Words without spaces.
dockerd $(computed) ${DOCKERD_ARGS-} >> "$log" 2>&1 &
daemon=$!
await
exec "$@"
