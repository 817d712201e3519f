#!/usr/bin/env bash
# Debian 12 with cgroup v2: kernel 6.1, systemd 252, Docker 20.10, podman 4.3.
# shellcheck disable=SC2016 # claims and scripts in single quotes run in the environment
set -eu
. "$LAB/subjects.sh"
. "$LAB/machines/bookworm/managers.sh"

dind() { # NAME CLAIM… -- [OPTION…]: prepared; ENGINE says what is tried besides a plain container
    local name=bookworm-$1 claims=()
    shift
    while [ "$1" != -- ]; do claims+=("$1"); shift; done
    shift
    ENGINE=${ENGINE-} OBSERVE=${OBSERVE:-engine} subject "$name" "${claims[@]}" -- --privileged "$@" -- \
        tini -- sh -c "$prepare_nesting; exec sleep infinity"
}

netfilter() {
    ENGINE=network PREPARE=$drop_forwarded dind forward-drop 'nft list tables | grep -q guard' -- -v /var/lib/docker
    ENGINE=network PREPARE=$legacy_tool dind iptables-legacy 'iptables -V | grep -q legacy' -- -v /var/lib/docker
    ENGINE=network PREPARE="$legacy_tool; $rules_of_legacy; ln -sf /usr/sbin/iptables-nft /etc/alternatives/iptables" \
        dind iptables-mixed 'iptables -V | grep -q nf_tables' 'legacy_tables nat' -- -v /var/lib/docker
    ENGINE=network PREPARE=$no_tool dind iptables-none '! iptables -V' -- -v /var/lib/docker
}

route() {
    wanted bookworm-route-mtu-1450 || return 0
    path_mtu 1450
    ENGINE=network PREPARE=$route_mtu dind route-mtu-1450 'device_mtu eth0 1500' 'ip route show default | grep -q "mtu 1450"' -- -v /var/lib/docker
    path_mtu 1500
}

data_roots() {
    ENGINE=volumes dind dataroot-tmpfs 'filesystem tmpfs /var/lib/docker' -- --tmpfs /var/lib/docker
    wanted bookworm-dataroot-xfs || return 0
    truncate -s 400M "$WORK/xfs.img"
    mkfs.xfs -q -m crc=0 -n ftype=0 "$WORK/xfs.img"
    mkdir -p /mnt/xfs
    mount -o loop "$WORK/xfs.img" /mnt/xfs
    dind dataroot-xfs 'filesystem xfs /var/lib/docker' -- -v /mnt/xfs:/var/lib/docker
    umount /mnt/xfs
}

capabilities() {
    local most=(--cap-add ALL --security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined)
    ENGINE='limits privileges' OBSERVE=engine subject bookworm-no-net-admin 'seccomp 0' '! effective_capabilities "$full"' \
        -- "${most[@]}" --cap-drop NET_ADMIN -v /var/lib/docker -- tini -- sleep infinity
    ENGINE='limits privileges' OBSERVE=engine subject bookworm-cap-add-all 'seccomp 0' 'mount_read_only /sys/fs/cgroup' \
        -- "${most[@]}" -v /var/lib/docker -- tini -- sleep infinity
    ENGINE='limits privileges' OBSERVE=engine subject bookworm-cap-add-few 'seccomp 2' \
        -- --cap-add SYS_ADMIN --cap-add NET_ADMIN -v /var/lib/docker -- tini -- sleep infinity
}

first_processes() {
    OBSERVE=lifetime subject bookworm-pid1-shell 'pid1 sh' -- -- sh -c 'sleep infinity & wait; exit 0'
    OBSERVE=lifetime subject bookworm-pid1-sleep 'pid1 sleep' -- -- sleep infinity
    OBSERVE=lifetime subject bookworm-pid1-tini 'pid1 tini' -- -- tini -- sleep infinity
    ENGINE='limits privileges' OBSERVE='lifetime engine' subject bookworm-pid1-systemd 'pid1 systemd' \
        -- --privileged --tmpfs /run --tmpfs /tmp -v /var/lib/docker -e container=docker -- /usr/lib/systemd/systemd
}

pid_file() {
    PREPARE=$used_pid_file dind pid-file 'grep -qx 1 /run/docker.pid' -- -v /var/lib/docker
}

shared_data_root() {
    wanted bookworm-shared-data-root || return 0
    docker volume create shared >/dev/null
    prepared_dind other -v shared:/var/lib/docker --
    dind shared-data-root '[ -d /var/lib/docker/containerd ]' -- -v shared:/var/lib/docker
    remove other
    docker volume rm shared >/dev/null
}

few_inotify_instances() {
    wanted bookworm-few-inotify || return 0
    local before
    before=$(sysctl -n fs.inotify.max_user_instances)
    # Fewer than root has already: not one more is to be had. A few are enough for a node without kubelet.
    sysctl -q -w fs.inotify.max_user_instances=1
    OBSERVE='engine node' dind few-inotify '[ "$(cat /proc/sys/fs/inotify/max_user_instances)" = 1 ]' -- -v /var/lib/docker
    sysctl -q -w "fs.inotify.max_user_instances=$before"
}

few_keys() {
    wanted bookworm-few-keys || return 0
    local before used
    before=$(sysctl -n kernel.keys.root_maxkeys)
    used=$(awk '$1 == "0:" {split($4, n, "/"); print n[1]}' /proc/key-users)
    # What runs meanwhile gives some back; for forty containers it is too little in any case.
    sysctl -q -w "kernel.keys.root_maxkeys=$((used + 5))"
    ENGINE=forty dind few-keys 'grep -q . /proc/keys' -- -v /var/lib/docker
    sysctl -q -w "kernel.keys.root_maxkeys=$before"
}

few_pids() {
    dind few-pids '[ "$(cat /sys/fs/cgroup/pids.max)" = 20 ]' -- --pids-limit 20 -v /var/lib/docker
}

# A client whose daemon is outside, or gone.
clients() {
    OBSERVE=client subject bookworm-client '[ -S /var/run/docker.sock ]' \
        -- -v /run/docker.sock:/var/run/docker.sock -- tini -- sleep infinity
    OBSERVE=client subject bookworm-client-refused '[ "$DOCKER_HOST" = tcp://127.0.0.1:2375 ]' \
        -- -e DOCKER_HOST=tcp://127.0.0.1:2375 -- tini -- sleep infinity
    PREPARE='mkdir -p /run; ln -sfn /run /var/run; perl -MSocket -e "socket(S, AF_UNIX, SOCK_STREAM, 0); bind(S, sockaddr_un(q(/run/docker.sock)))"' \
        OBSERVE=client subject bookworm-client-stale '[ -S /var/run/docker.sock ]' -- -- tini -- sleep infinity
}

lxc() {
    if wanted bookworm-lxc; then
        start_lxc
        OBSERVE=engine subject_of_machine bookworm-lxc 'pid1 tini' 'cgroup_namespace private' -- lxc-attach -n lab --clear-env --
        lxc-stop -k -n lab
    fi
    if wanted bookworm-lxc-nesting; then
        # An empty value forgets what the common configuration says.
        start_lxc 'lxc.apparmor.profile = unconfined' 'lxc.seccomp.profile =' 'lxc.cap.drop =' 'lxc.cgroup2.devices.allow = a' \
            'lxc.mount.auto =' 'lxc.mount.auto = proc:rw sys:rw cgroup:rw' 'lxc.init.cmd = /usr/bin/tini -- sh /prepared'
        ENGINE='limits privileges' OBSERVE=engine subject_of_machine bookworm-lxc-nesting \
            'pid1 tini' 'cgroup_namespace private' 'seccomp 0' 'subtree_control_has cpu memory pids' \
            -- lxc-attach -n lab --clear-env --
        lxc-stop -k -n lab
    fi
}

nspawn() {
    if wanted bookworm-nspawn; then
        start_nspawn
        OBSERVE=engine subject_of_machine bookworm-nspawn 'pid1 systemd' 'seccomp 2' -- by_unit
        systemctl stop nspawn
    fi
    if wanted bookworm-nspawn-nesting; then
        start_nspawn -E SYSTEMD_NSPAWN_API_VFS_WRITABLE=1 --capability=all --system-call-filter='add_key keyctl bpf'
        # Without D-Bus, which never gets ready in there, no unit can be asked for.
        in_nspawn sh -c 'mkdir -p /etc/docker; echo "{\"exec-opts\": [\"native.cgroupdriver=cgroupfs\"]}" >/etc/docker/daemon.json'
        ENGINE='limits privileges' OBSERVE=engine subject_of_machine bookworm-nspawn-nesting 'pid1 systemd' 'seccomp 2' -- by_unit
        systemctl stop nspawn
    fi
}

# Docker in a container of podman.
podman_privileged() {
    wanted bookworm-podman-privileged || return 0
    podman import --quiet - lab <"$image"
    podman run -d --name privileged --hostname privileged --privileged --network none -v /usr:/usr:ro -v docker:/var/lib/docker \
        lab tini -- sh -c "$prepare_nesting; exec sleep infinity"
    ENGINE='limits privileges' OBSERVE=engine subject_of_machine bookworm-podman-privileged \
        'pid1 tini' '[ -e /run/.containerenv ]' 'seccomp 0' 'subtree_control_has cpu memory pids' -- podman exec -i privileged
    podman rm -f -t 0 privileged
}

set_up
# What is quick comes first.
parts first_processes lxc nspawn podman_privileged clients pid_file few_keys few_pids
every_generation
parts netfilter capabilities route data_roots shared_data_root few_inotify_instances
