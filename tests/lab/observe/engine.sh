# shellcheck shell=sh
# engine.sh: runs in the environment, with words.sh before it. Starts the Docker daemon as somebody would who knows nothing of
# the doctor, and does with it what CI jobs do.
#
# PLACE has image.tar and build/; SERVER (address and port) gives /small and /large; ENGINE says what is tried besides a plain container.
# DAEMON is another command that starts dockerd; TRANSFER another number of seconds that a transfer may take.

log=$PLACE/dockerd.log

start_daemon() {
    ! timeout 20 docker info >/dev/null 2>&1 || return 0
    # shellcheck disable=SC2086 # options are words
    setsid ${DAEMON:-dockerd} ${DAEMON_OPTIONS:-} >"$log" 2>&1 </dev/null &
    daemon=$!
    until=$(($(date +%s) + 120))
    while kill -0 $daemon 2>/dev/null && [ "$(date +%s)" -lt "$until" ]; do
        sleep 1
        ! timeout 20 docker info >/dev/null 2>&1 || return 0
    done
    return 1
}

why_not() { sed -n 's/^failed to start daemon: //p; s/.*level=fatal msg=//p; s/^runtime: failed to/failed to/p' "$log" | tail -n 1 | grep . || tail -n 1 "$log"; }

# On an emulated machine containerd may take longer than dockerd waits for it.
start_patiently() {
    for _ in 1 2 3; do
        ! start_daemon || return 0
        why_not | grep -q 'timeout waiting for containerd' || return 1
    done
    return 1
}

# Told apart by what a daemon says that gives up, so that a cause is not taken for another one.
observe_start() {
    if start_patiently; then
        saw daemon worked "$(docker info --format '{{.Driver}} {{range .DriverStatus}}{{if eq (index . 0) "Backing Filesystem"}}on {{index . 1}}{{end}}{{end}}, {{.CgroupDriver}} driver, cgroup v{{.CgroupVersion}}' 2>/dev/null)"
        case $(docker info --format '{{.Driver}}' 2>/dev/null) in
        vfs) saw copy-on-write failed "vfs: $(grep -m 1 -o 'failed to mount overlay[^"]*' "$log" 2>/dev/null)" ;;
        *) saw copy-on-write worked "$(docker info --format '{{.Driver}}' 2>/dev/null)" ;;
        esac
        saw firewall worked "$(iptables -V 2>/dev/null)"
        # A daemon that was running before has said so elsewhere.
        [ ! -e "$log" ] || observe_log
        return 0
    fi
    saw daemon failed "$(why_not)"
    case $(why_not) in
    *iptables* | *"NAT chain"* | *nftables*) saw firewall failed "$(why_not)" ;;
    *"pid file"* | *"process with PID"*) saw pid-file failed "$(why_not)" ;;
    *timeout* | *"resource temporarily"*) saw own-data-root failed "$(why_not)" ;;
    esac
    return 1
}

observe_log() {
    saw pid-file worked ''
    saw own-data-root worked ''
    if grep -qi 'read-only file system' "$log"; then
        saw kernel-parameters failed "$(grep -i -m 1 'read-only file system' "$log")"
    else
        saw kernel-parameters worked ''
    fi
}

# A function is no command for timeout(1).
run() {
    what=$1
    shift
    try "$what" 120 docker run --rm -v /usr:/usr:ro "$@"
}

# shellcheck disable=SC2016 # $1 is for the shell in there
fetch='exec 3<>"/dev/tcp/${1%:*}/${1#*:}" || exit 1
    printf "GET /%s HTTP/1.0\r\n\r\n" "$2" >&3
    bytes=$(timeout 15 head -c "$3" <&3 | wc -c)
    echo "$bytes bytes of $3"
    [ "$bytes" -ge "$3" ]'

# transfers FROM COMMAND…: a small file first; where that does not come, the size is not what is wrong.
transfers() {
    from=$1
    shift
    try "$from-small" "${TRANSFER:-120}" "$@" bash -c "$fetch" fetch "$SERVER" small 1000 || return 1
    try "$from-large" "${TRANSFER:-120}" "$@" bash -c "$fetch" fetch "$SERVER" large 1000000
}

observe_network() {
    [ -n "${SERVER:-}" ] || return 0
    transfers own env || return 0
    transfers bridge docker run --rm -v /usr:/usr:ro lab || :
    timeout 60 docker network create user >/dev/null 2>&1 || return 0
    transfers user-network docker run --rm -v /usr:/usr:ro --network user lab || :
    docker network rm user >/dev/null 2>&1 || :
}

observe_limits() {
    # shellcheck disable=SC2016 # code for the shell in there
    run memory-limit --memory 64m lab sh -c 'limit=$(cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null)
        echo "limit $limit"; [ "$limit" = 67108864 ]' || :
    # shellcheck disable=SC2016
    run pids-limit --pids-limit 50 lab sh -c 'limit=$(cat /sys/fs/cgroup/pids.max /sys/fs/cgroup/pids/pids.max 2>/dev/null)
        echo "limit $limit"; [ "$limit" = 50 ]' || :
    # shellcheck disable=SC2016
    run cpu-limit --cpus 0.5 lab sh -c 'limit=$(cat /sys/fs/cgroup/cpu.max /sys/fs/cgroup/cpu/cpu.cfs_quota_us 2>/dev/null)
        echo "limit $limit"; case $limit in 50000*) ;; *) exit 1 ;; esac' || :
}

observe_privileges() {
    run privileged-run --privileged lab true || :
    mkdir -p /mnt/shared
    run shared-mount -v /mnt/shared:/mnt/shared:rshared lab true || :
    run open-files --ulimit nofile=65536:65536 lab true || :
    # Of a daemon that is a service the doctor does not say what its containers inherit.
    [ -n "${daemon:-}" ] || return 0
    # shellcheck disable=SC2016
    run open-files-inherited lab sh -c 'limit=$(ulimit -n); echo "limit $limit"
        [ "$limit" = unlimited ] || [ "$limit" -ge 4096 ]' || :
}

observe_containers() {
    docker import "$PLACE/image.tar" lab >/dev/null 2>&1 || { saw run failed "docker import: $(docker import "$PLACE/image.tar" lab 2>&1 | tail -n 1)"; return 0; }
    run run lab true || return 0
    for part in $ENGINE; do "observe_$part"; done
    # For those outside, who look where its cgroup is.
    docker run -d --name marked -v /usr:/usr:ro lab sleep 86399 >/dev/null 2>&1 || :
}

# A static program is all that its image has.
observe_build() {
    [ -e "$PLACE/build/Dockerfile" ] || return 0
    # From Docker 23 on the client has no BuildKit of its own, but a plugin.
    if docker buildx version >/dev/null 2>&1 || docker version --format '{{.Client.Version}}' | grep -q '^20\.'; then
        try build 240 env DOCKER_BUILDKIT=1 docker build --progress plain "$PLACE/build" || :
    fi
}

# A program that is on a volume, as those of tool caches are.
observe_volumes() {
    run volume-exec -v programs:/programs lab sh -c 'cp /usr/bin/true /programs/ && /programs/true' || :
    docker volume rm programs >/dev/null 2>&1
}

# By runc: crun refuses hybrid cgroups.
observe_podman() {
    command -v podman >/dev/null || return 0
    podman import --quiet "$PLACE/image.tar" lab >/dev/null 2>&1
    try podman-as-root 120 podman --runtime runc run --rm --network none -v /usr:/usr:ro lab true || :
    podman rmi -f lab >/dev/null 2>&1
}

# As many as a build may have at once. Each has a keyring of its own.
observe_forty() {
    if said=$(for number in $(seq 40); do
        timeout 120 docker run -d --name "forty$number" -v /usr:/usr:ro lab sleep 86397 2>&1 || exit 1
    done); then
        saw forty worked ''
    else
        saw forty failed "$(printf '%s\n' "$said" | grep . | tail -n 1)"
    fi
    docker ps -aq --filter name=forty | xargs -r docker rm -f >/dev/null 2>&1
}

! observe_start || observe_containers
