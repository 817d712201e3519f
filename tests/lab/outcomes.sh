# shellcheck shell=bash
# outcomes.sh: sourced by a machine's outcomes.sh, or through subjects.sh. The doctor says what it expects in an
# environment, without and with --active; then the real thing is started there, and what happens is written down.
# shellcheck disable=SC2016,SC2154 # code in single quotes runs in the environment; variables come from the driver and docker.sh

# shellcheck source=/dev/null
. "$LAB/recording.sh"
. "$LAB/docker.sh"

# What the doctor cannot see and is told: the kind and the kubelet that the node of observe/node.sh is like.
export ASSUME='--assume kind=0.27 --assume kubernetes=1.33'

# Instead of a bundle alone: what the doctor says. Exit code 1 means that it found something.
# shellcheck disable=SC2034 # for record
recorder='set -eu
    place=/var/tmp/dind-doctor; rm -rf $place; mkdir -p $place
    cat >$place/doctor; chmod 755 $place/doctor
    predict() { status=0; "$@" </dev/null || status=$?; [ $status -le 1 ] || exit $status; }
    predict $place/doctor check $ASSUME --format json --timeout 120 >$place/passive.json
    $place/doctor capture $CAPTURE_OPTIONS -o $place/bundle </dev/null >&2
    predict $place/doctor check $ASSUME --active --format json --timeout 300 >$place/active.json
    uname -r >$place/kernel
    rm $place/doctor
    tar -C $place -cf - .
    rm -rf $place'

# What the environments get besides the doctor: an image, something to build, the scripts.
package=$WORK/package
make_package() {
    mkdir -p "$package/build"
    cp "$LAB"/observe/*.sh "$package/"
    cp "$image" "$package/image.tar"
    cp "$DOCTOR" "$package/build/doctor"
    printf 'FROM scratch\nCOPY doctor /doctor\nRUN ["/doctor", "--version"]\n' >"$package/build/Dockerfile"
    tar -C "$package" -cf "$package.tar" .
}

# The image with an ordinary user who has subordinate ids.
make_image_with_user() {
    local root home run
    make_image
    root=$(mktemp -d)
    tar -C "$root" -xf "$image"
    home=$root/home/lab run=$root/run/user/4242
    mkdir -p "$home" "$run"
    sed -i /^lab:/d "$root/etc/passwd" "$root/etc/group"
    echo 'lab:x:4242:4242::/home/lab:/bin/sh' >>"$root/etc/passwd"
    echo 'lab:x:4242:' >>"$root/etc/group"
    # Few enough for a user namespace that has the usual 65536 ids itself.
    echo 'lab:10000:50000' | tee "$root/etc/subuid" >"$root/etc/subgid"
    chown 4242:4242 "$home" "$run"
    chmod 700 "$run"
    tar -C "$root" -cf "$image" .
    rm -rf "$root"
}

# set_up: what all environments of a machine with its own Docker need.
set_up() {
    make_image_with_user
    make_package
    network_outside
    docker import "$image" lab >/dev/null
}

place=/var/tmp/referee
deliver() { "$@" sh -c "rm -rf $place && mkdir -p $place && chmod 755 $place && tar -C $place -xf -" <"$package.tar"; }

# observe NAME SCRIPT PREFIX…: appends what SCRIPT sees in the environment that PREFIX enters.
observe() {
    local name=$1 script=$2
    shift 2
    [ -d "$OUT/$name" ] || return 0
    "$@" sh -c "PLACE=$place SERVER='${SERVER:-}' DAEMON_OPTIONS='${DAEMON_OPTIONS:-}' ENGINE='${ENGINE-limits privileges network build}'
        . $place/words.sh; . $place/remover.sh; . $place/$script.sh" </dev/null >>"$OUT/$name/observed.tsv" 2>>"$OUT/$name/log" ||
        echo "$name: $script ended with $?"
    echo "$(date +%T) $name: $script"
}

# shellcheck source=/dev/null
. "$LAB/observe/words.sh"

# saw NAME OBSERVATION worked|failed TEXT: what is seen from outside.
saw() { [ ! -d "$OUT/$1" ] || printf '%s\t%s\t%s\n' "$2" "$3" "$(printf %s "$4" | printable)" >>"$OUT/$1/observed.tsv"; }

# as_lab CONTAINER…: as the ordinary user in a container.
as_lab=(setpriv --reuid 4242 --regid 4242 --clear-groups --inh-caps=-all
    env -i HOME=/home/lab XDG_RUNTIME_DIR=/run/user/4242 PATH=/usr/sbin:/usr/bin:/sbin:/bin)

# subject NAME CLAIM… -- [OPTION…] -- COMMAND…: an environment that is a container of this machine's Docker. PREPARE runs in it
# first; OBSERVE says what is tried there: user (then the doctor is asked as that
# user too), client, sandbox, podman, engine (of which ENGINE says the parts), node (needs engine), lifetime (what is seen from outside), systemd.
# AS=lab enters as the ordinary user without trying what rootless engines need.
subject() {
    local name=$1 claims=() options=()
    shift
    wanted "$name" || return 0
    while [ "$1" != -- ]; do claims+=("$1"); shift; done
    shift
    while [ "$1" != -- ]; do options+=("$1"); shift; done
    shift
    echo "--- $name $(date +%T)"
    container subject "${options[@]}" -- "$@"
    sleep 2 # what its command prepares
    [ -z "${PREPARE:-}" ] || docker exec subject sh -c "$PREPARE"
    local enter=(docker exec -i subject)
    if observes user || [ "${AS:-}" = lab ]; then enter+=("${as_lab[@]}"); fi
    record "$name" "${claims[@]}" -- "${enter[@]}"
    if [ -d "$OUT/$name" ]; then
        deliver "${enter[@]}"
        ! observes user || observe "$name" user "${enter[@]}"
        ! observes sandbox || observe "$name" sandbox "${enter[@]}"
        ! observes podman || observe "$name" podman "${enter[@]}"
        ! observes client || observe "$name" client docker exec -i subject
        ! observes lifetime || observe_orphans "$name"
        ! observes engine || observe "$name" engine docker exec -i subject
        ! observes lifetime || observe_place "$name"
        ! observes node || observe "$name" node docker exec -i subject
        ! observes lifetime || observe_end "$name"
        ! observes systemd || observe_systemd "$name" "${options[@]}"
    fi
    remove subject
    save
}

observes() { case " $OBSERVE " in *" $1 "*) ;; *) return 1 ;; esac; }

# subject_of_machine NAME CLAIM… -- PREFIX…: an environment that is there already, as PREFIX enters it.
subject_of_machine() {
    local name=$1 claims=()
    shift
    wanted "$name" || return 0
    while [ "$1" != -- ]; do claims+=("$1"); shift; done
    shift
    echo "--- $name $(date +%T)"
    record "$name" "${claims[@]}" -- "$@"
    if [ -d "$OUT/$name" ]; then
        deliver "$@"
        ! observes user || observe "$name" user "$@"
        ! observes sandbox || observe "$name" sandbox "$@"
        ! observes podman || observe "$name" podman "$@"
        ! observes client || observe "$name" client "$@"
        ! observes engine || observe "$name" engine "$@"
        ! observes node || observe "$name" node "$@"
        ! observes engine || "$@" docker rm -f -v marked </dev/null >/dev/null 2>&1 || :
        "$@" rm -rf "$place" </dev/null || :
    fi
    save
}

# parts FUNCTION…: each makes environments, and what it leaves is removed.
parts() {
    local part
    for part; do
        apart "$part"
        docker rm -f -v subject systemd >/dev/null 2>&1 || :
    done
}

# Of processes whose parents are gone, those that PID 1 does not wait for stay.
observe_orphans() {
    local left
    docker exec subject sh -c 'for i in 1 2 3 4; do (sleep 0.2 &); done; sleep 3'
    left=$(docker exec subject sh -c "cat /proc/[0-9]*/stat 2>/dev/null | sed 's/.*) //' | grep -c '^Z 1 '" || :)
    if [ "$left" = 0 ]; then saw "$1" orphans worked ''; else saw "$1" orphans failed "$left zombies of PID 1"; fi
}

cgroups_of() { sed -n 's/^[0-9]*:\(memory\)\?://p' "/proc/$1/cgroup" | sort | tail -n 1; }

# Where on the machine the cgroup of an inner container is.
observe_place() {
    local own inner pid
    pid=$(pgrep -xf 'sleep 86399' | head -n 1)
    [ -n "$pid" ] || return 0
    own=$(docker inspect --format '{{.Id}}' subject)
    inner=$(cgroups_of "$pid")
    # Under systemd's driver its cgroup is docker-ID.scope.
    case $inner in
    *"$own"/* | *"$own".scope/*) saw "$1" cgroup-place worked "below that of the container" ;;
    *) saw "$1" cgroup-place failed "$inner, not below that of the container" ;;
    esac
    marked=$inner
}

# SIGTERM, as at the end of a pod, and what is left of it on the machine.
observe_end() {
    local begun
    begun=$(date +%s)
    docker stop --time 20 subject >/dev/null
    if [ $(($(date +%s) - begun)) -lt 18 ]; then saw "$1" stop worked ''; else saw "$1" stop failed 'SIGTERM did not end it within 20 s'; fi
    [ -n "${marked:-}" ] || return 0
    sleep 1
    if [ -e "/sys/fs/cgroup$marked" ] || [ -e "/sys/fs/cgroup/memory$marked" ]; then
        saw "$1" cgroups-gone failed "$marked is left behind"
    else
        saw "$1" cgroups-gone worked ''
    fi
    marked=
}

# A container with the same options whose command is systemd.
observe_systemd() {
    local name=$1 said
    shift
    if ! said=$(docker run -d --name systemd --hostname systemd -v /usr:/usr:ro --tmpfs /run --tmpfs /tmp -e container=docker "$@" \
        lab /usr/lib/systemd/systemd 2>&1); then
        saw "$name" systemd failed "$said"
    elif said=$(boots 240 systemd); then
        saw "$name" systemd worked "$said"
    else
        saw "$name" systemd failed "$said"
    fi
    docker rm -f -v systemd >/dev/null
}

# observe_remover NAME ROOT PREFIX…: whether a node survives when unknown pods below ROOT are removed in it.
observe_remover() {
    local name=$1 root=$2
    shift 2
    [ -d "$OUT/$name" ] || return 0
    # shellcheck source=/dev/null
    . "$LAB/observe/remover.sh"
    timeout 60 "$@" sh -c "$remover" remover "$root" </dev/null >/dev/null 2>&1 || :
    sleep 2
    if "$@" true </dev/null 2>/dev/null; then
        saw "$name" node-survives worked ''
    else
        saw "$name" node-survives failed 'the node was killed as a pod that nobody knows'
    fi
}

# network_outside: a server two hops away at 10.99.1.2, whose segments are as large as a whole Ethernet frame allows, and which
# never hears that they were too large: ICMP is dropped on its way, as in many clouds. path_mtu sets the hop in between.
network_outside() {
    SERVER=10.99.1.2:8000
    ip netns add server
    ip netns add router
    ip link add outside type veth peer name inside netns router
    ip -n router link add far type veth peer name eth0 netns server
    ip address add 10.99.0.2/24 dev outside
    ip link set outside up
    ip -n router address add 10.99.0.1/24 dev inside
    ip -n router link set inside up
    ip -n router address add 10.99.1.1/24 dev far
    ip -n router link set far up
    ip -n server address add 10.99.1.2/24 dev eth0
    ip -n server link set eth0 up
    ip -n server route add default via 10.99.1.1
    ip -n router route add default via 10.99.0.2
    ip route add 10.99.1.0/24 via 10.99.0.1
    ip netns exec router sysctl -q -w net.ipv4.ip_forward=1
    sysctl -q -w net.ipv4.ip_forward=1
    ip netns exec router nft -f - <<<'table ip quiet { chain output { type filter hook output priority 0; icmp type destination-unreachable drop; }; }'
    mkdir -p "$WORK/served"
    head -c 1000 /dev/zero >"$WORK/served/small"
    head -c 1000000 /dev/zero >"$WORK/served/large"
    ip netns exec server busybox httpd -p 8000 -h "$WORK/served"
}

path_mtu() {
    ip link set outside mtu "$1"
    ip -n router link set inside mtu "$1"
}
