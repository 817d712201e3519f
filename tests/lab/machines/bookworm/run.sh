#!/usr/bin/env bash
# Debian 12 with cgroup v2: kernel 6.1, systemd 252, Docker 20.10, podman 4.3.
# shellcheck disable=SC2016,SC2119 # scripts in single quotes run in the environment; options are optional
set -eu
. "$LAB/recording.sh"
. "$LAB/docker.sh"
. "$LAB/generation.sh"
. "$LAB/machines/bookworm/containers.sh"
. "$LAB/machines/bookworm/host.sh"
. "$LAB/machines/bookworm/managers.sh"

plain_container() {
    container plain -- tini -- sleep infinity
    record bookworm-container \
        'effective_capabilities 00000000a80425fb' 'seccomp 2' 'cgroup_namespace private' 'mount_read_only /sys/fs/cgroup' \
        'mounted tmpfs /proc/acpi' \
        -- docker exec -i plain
    remove plain
}

# The machine's hierarchy over the container's own, in a cgroup namespace in which it has no meaning.
bound_host_cgroup() {
    container bound --privileged -v /sys/fs/cgroup:/sys/fs/cgroup -- tini -- sleep infinity
    record bookworm-privileged-cgroup-bind \
        'cgroup_namespace private' 'mount_root_matches /sys/fs/cgroup "^/\.\."' '[ -d /sys/fs/cgroup/system.slice ]' \
        -- docker exec -i bound
    remove bound
}

# Nothing prepared. The second recording is of the same container after a daemon ran in it: runc has made the subtree
# threaded, so containers run but those with a memory limit do not.
dind_unprepared() {
    container dind --privileged -v /var/lib/docker -- tini -- sleep infinity
    record bookworm-dind-unprepared \
        'pid1 tini' 'cgroup_namespace private' 'subtree_control_empty' 'filesystem ext2/ext3 /var/lib/docker' \
        -- docker exec -i dind
    docker exec -d dind sh -c 'exec dockerd >/var/log/dockerd.log 2>&1'
    daemon_answers dind
    inner_image dind
    inner_container dind inner -- sleep infinity
    record bookworm-dind-unprepared-running \
        'process_runs dockerd' '[ "$(cat /sys/fs/cgroup/cgroup.type)" = "domain threaded" ]' \
        '! docker run --rm --memory 64m -v /usr:/usr:ro lab true' \
        -- docker exec -i dind
    remove dind
}

dind_on_overlay() {
    prepared_dind dind --
    record bookworm-dind-overlay \
        'pid1 dockerd' 'filesystem overlayfs /var/lib/docker' 'subtree_control_has cpu memory pids' \
        'docker info --format "{{.Driver}}" | grep -Eqx "vfs|fuse-overlayfs"' \
        -- docker exec -i dind
    remove dind
}

# A network of MTU 1400, first under the daemon's default of 1500, then under a daemon that was told.
dind_on_small_mtu() {
    docker network create --opt com.docker.network.driver.mtu=1400 small >/dev/null
    prepared_dind dind --network small -v /var/lib/docker --
    inner_image dind
    inner_container dind inner -- sleep infinity
    record bookworm-dind-mtu-1400 \
        'device_mtu eth0 1400' 'device_mtu docker0 1500' 'default_route_over eth0' \
        -- docker exec -i dind
    record bookworm-dind-mtu-1400-inner \
        'device_mtu eth0 1500' 'effective_capabilities 00000000a80425fb' \
        -- docker exec -i dind docker exec -i inner
    remove dind
    prepared_dind dind --network small -v /var/lib/docker -- --mtu 1400
    inner_image dind
    inner_container dind inner -- sleep infinity
    record bookworm-dind-mtu-1400-told \
        'device_mtu eth0 1400' 'device_mtu docker0 1400' \
        -- docker exec -i dind
    remove dind
    docker network rm small >/dev/null
}

# As near to a kind node as Debian packages get: systemd as PID 1, /kind/version, a real containerd, the mounts and options
# of kind's provider. The kubelet is only a process with that name in the slice that kind gives it.
kind_node() {
    prepared_dind dind -v /var/lib/docker --
    inner_image dind
    inner_container dind kind-control-plane --privileged --cgroupns=private --tmpfs /tmp --tmpfs /run -v /var \
        -v /lib/modules:/lib/modules:ro -e container=docker --label io.x-k8s.kind.cluster=kind -- \
        sh -c 'mkdir -p /kind/bin; echo v1.27.3 >/kind/version; cp /usr/bin/sleep /kind/bin/kubelet
            mount -o remount,ro /sys; mount --make-rshared /; exec /lib/systemd/systemd'
    # No wait for "running": some units of a Debian have nothing to do in a container and fail.
    eventually docker exec dind docker exec kind-control-plane systemctl is-active multi-user.target
    docker exec dind docker exec kind-control-plane sh -c '
        systemd-run --quiet --unit containerd-of-node containerd
        systemd-run --quiet --unit kubelet --slice kubelet.slice /kind/bin/kubelet infinity'
    record bookworm-kind-node \
        'pid1 systemd' 'cgroup_namespace private' 'process_runs kubelet' 'process_runs containerd' \
        '[ "$(cat /kind/version)" = v1.27.3 ]' '[ -d /sys/fs/cgroup/kubelet.slice ]' 'mounted tmpfs /run' \
        -- docker exec -i dind docker exec -i kind-control-plane
    remove dind
}

systemd_container() {
    container systemd --privileged --tmpfs /run --tmpfs /tmp -e container=docker -- /lib/systemd/systemd
    eventually docker exec systemd systemctl is-active multi-user.target
    record bookworm-systemd-container \
        'pid1 systemd' 'cgroup_namespace private' 'mounted tmpfs /run' '[ -d /sys/fs/cgroup/system.slice ]' \
        -- docker exec -i systemd
    remove systemd
}

pid1_variants() {
    container shell --privileged -- sh -c 'sleep infinity & wait; exit 0'
    record bookworm-pid1-shell 'pid1 sh' '! pid1_catches_term' \
        -- docker exec -i shell
    remove shell
    container shell --privileged -- bash -c 'trap "exit 0" TERM; sleep infinity & wait; exit 0'
    record bookworm-pid1-shell-trap 'pid1 bash' 'pid1_catches_term' \
        -- docker exec -i shell
    remove shell
    container sleep --privileged -- sleep infinity
    record bookworm-pid1-sleep 'pid1 sleep' -- docker exec -i sleep
    # Children whose parent ends are given to PID 1, and sleep waits for none of them.
    docker exec sleep sh -c 'for i in 1 2 3 4 5 6 7 8; do (sleep 0.2 &); done; sleep 2'
    record bookworm-pid1-zombies 'pid1 sleep' 'zombies_of_pid1 8' -- docker exec -i sleep
    remove sleep
    container tini --privileged -- tini -- sleep infinity
    record bookworm-pid1-tini 'pid1 tini' '! zombies_of_pid1 1' -- docker exec -i tini
    remove tini
}

# A pod's shared PID namespace: PID 1 is another container's. The stand-in for pause reaps and ends on SIGTERM as it does.
shared_pid_namespace() {
    cp /usr/bin/tini-static "$WORK/pause"
    container pause -v "$(realpath "$WORK/pause"):/pause:ro" -- /pause -- sleep infinity
    container job --privileged --pid=container:pause -- tini -s -- sleep infinity
    record bookworm-shared-pid-namespace 'pid1 pause' 'process_runs tini' -- docker exec -i job
    remove job pause
}

nspawn() {
    start_nspawn || return 1
    record bookworm-nspawn \
        'pid1 systemd' 'cgroup_namespace private' 'mounted cgroup2 /sys/fs/cgroup' \
        'tr "\0" "\n" </proc/1/environ | grep -qx container=systemd-nspawn' \
        'seccomp 2' '! effective_capabilities "0000003fffffffff|000001ffffffffff"' \
        -- by_unit
    systemctl stop nspawn
}

lxc() {
    start_lxc
    record bookworm-lxc \
        'pid1 tini' 'cgroup_namespace private' 'tr "\0" "\n" </proc/1/environ | grep -qx container=lxc' \
        -- lxc-attach -n lab --clear-env --
    lxc-stop -k -n lab
}

make_image
docker import "$image" lab >/dev/null
environment machine_itself host
environment plain_container container
environment privileged privileged
environment privileged_host_cgroup_namespace privileged-cgroupns-host
environment bound_host_cgroup privileged-cgroup-bind
environment dind_unprepared dind-unprepared dind-unprepared-running
environment dind_prepared dind-prepared
environment dind_healthy dind-healthy
environment dind_on_overlay dind-overlay
environment dind_on_small_mtu dind-mtu-1400 dind-mtu-1400-inner dind-mtu-1400-told
environment kind_node kind-node
environment systemd_container systemd-container
environment pid1_variants pid1-shell pid1-shell-trap pid1-sleep pid1-zombies pid1-tini
environment shared_pid_namespace shared-pid-namespace
environment nspawn nspawn
environment lxc lxc
environment podman_rootless rootless-user podman-rootless
environment dind_limited dind-limited
environment dind_on_btrfs dind-btrfs capped
environment dind_on_jumbo_frames dind-mtu-9001
environment dind_over_route_mtu dind-route-mtu-1450-told
environment host_mounts host-mounts
environment lxc_nesting lxc-nesting
# From here on the machine itself is changed; each puts it back.
environment tuned podman-rootless-tuned
environment user_namespaces_off rootless-user-blocked
environment host_bare host-bare host-worn host-nft-only
