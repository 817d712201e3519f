# shellcheck shell=bash
# docker.sh: sourced by a machine's run.sh. Containers that have the programs of their machine, and daemons nested in them.
# shellcheck disable=SC2016 # code in single quotes runs in the container, not here

# shellcheck disable=SC2154 # WORK comes from the driver
image=$WORK/image.tar

# make_image: an image made without a registry. Its root has only folders, links and a little of /etc; the programs
# come with `-v /usr:/usr:ro`. The package database is cut to what a check may ask for: a real image would name these.
make_image() {
    local root package
    root=$(mktemp -d)
    (
        cd "$root" || exit
        mkdir -p usr proc sys dev run root home var/lib/dpkg var/log var/cache var/tmp tmp etc/ssl
        chmod 1777 tmp var/tmp
        for link in bin sbin lib lib64; do ln -s "usr/$link" "$link"; done
        cp -a /etc/alternatives /etc/group /etc/nsswitch.conf /etc/passwd /etc/shadow /etc/gshadow etc/
        cp -L /etc/os-release etc/ # nspawn wants it before /usr is mounted
        [ ! -d /etc/pam.d ] || cp -a /etc/pam.d etc/
        [ ! -e /etc/ld.so.cache ] || cp -a /etc/ld.so.cache /etc/ld.so.conf* etc/
        [ ! -d /etc/containers ] || cp -aL /etc/containers etc/
        # A fixed identity, or systemd takes every boot for the first one and applies the presets of all units.
        echo 0123456789abcdef0123456789abcdef >etc/machine-id
        for package in containerd docker.io iptables podman runc systemd; do
            dpkg-query -s "$package" 2>/dev/null || continue
            echo
        done >var/lib/dpkg/status
    )
    tar -C "$root" -cf "$image" .
    rm -rf "$root"
}

# container NAME [OPTION…] -- COMMAND…: left running. Where PID 1 is not the point of the scenario the command is tini, named
# outright: `--init` mounts docker-init below /sbin, and our /usr hides it.
container() {
    local name=$1 options=()
    shift
    while [ "$1" != -- ]; do options+=("$1"); shift; done
    shift
    docker run -d --name "$name" --hostname "$name" -v /usr:/usr:ro "${options[@]}" lab "$@" >/dev/null
}

# remove NAME…: with their volumes; the next environment must find the machine as this one did.
remove() { docker rm -f -v "$@" >/dev/null; }

# What the entrypoint of a dind image does before it starts the daemon. On cgroup v2 a cgroup with processes cannot give
# controllers to its children: move them to a leaf until none is left, then enable all.
prepare_nesting='
    mount --make-rshared /
    export container=docker
    if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
        mkdir -p /sys/fs/cgroup/init
        until
            xargs -r -n 1 </sys/fs/cgroup/cgroup.procs >/sys/fs/cgroup/init/cgroup.procs || :
            sed "s/ / +/g; s/^/+/" </sys/fs/cgroup/cgroup.controllers >/sys/fs/cgroup/cgroup.subtree_control
        do :; done
    fi'
prepared_daemon="$prepare_nesting"'
    exec dockerd --host unix:///var/run/docker.sock "$@" >/var/log/dockerd.log 2>&1'

# prepared_dind NAME [OPTION…] -- [DAEMON OPTION…]: a container in which nesting was prepared and a daemon answers.
prepared_dind() {
    local name=$1 options=()
    shift
    while [ "$1" != -- ]; do options+=("$1"); shift; done
    shift
    container "$name" --privileged "${options[@]}" -- sh -c "$prepared_daemon" dockerd "$@"
    # Looking with `docker exec` puts a process where the loop wants none, and a slow machine never gets done.
    eventually is_daemon "$name" || return 1
    daemon_answers "$name"
}

is_daemon() { [ "$(cat "/proc/$(docker inspect --format '{{.State.Pid}}' "$1")/comm")" = dockerd ]; }

daemon_answers() {
    eventually docker exec "$1" docker info || { docker cp "$1:/var/log/dockerd.log" - | tar -xO | tail -n 20; return 1; }
}

# inner_image NAME: gives the daemon in container NAME the image that its own containers are made of.
inner_image() { docker exec -i "$1" docker import - lab <"$image" >/dev/null; }

# inner_container OUTER NAME [OPTION…] -- COMMAND…: a container of the daemon in OUTER.
inner_container() {
    local outer=$1 name=$2 options=()
    shift 2
    while [ "$1" != -- ]; do options+=("$1"); shift; done
    shift
    docker exec "$outer" docker run -d --name "$name" --hostname "$name" -v /usr:/usr:ro "${options[@]}" lab "$@" >/dev/null
}
