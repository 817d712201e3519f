# shellcheck shell=bash
# generation.sh: the environments that every generation of kernel and engines has. Scenarios are named after $MACHINE.
# shellcheck disable=SC2016,SC2154 # claims are code for the environment; variables come from the driver and docker.sh

full='(0000003fffffffff|000001ffffffffff)' # Docker 20.10 does not know the capabilities from 38 on

machine_itself() {
    record "$MACHINE-host" 'cgroup_namespace host' 'pid1 systemd' 'mounted cgroup2 /sys/fs/cgroup' -- env
}

privileged() {
    container privileged --privileged -- tini -- sleep infinity
    record "$MACHINE-privileged" \
        "effective_capabilities \"$full\"" 'seccomp 0' 'cgroup_namespace private' 'filesystem overlayfs /' \
        'mount_root /sys/fs/cgroup /' '! mount_read_only /sys/fs/cgroup' \
        -- docker exec -i privileged
    remove privileged
}

privileged_host_cgroup_namespace() {
    container privileged --privileged --cgroupns=host -- tini -- sleep infinity
    record "$MACHINE-privileged-cgroupns-host" \
        'cgroup_namespace host' 'own_cgroup_matches "docker-[0-9a-f]{64}"' 'mount_root /sys/fs/cgroup /' \
        '[ ! -e /sys/fs/cgroup/cgroup.type ]' \
        -- docker exec -i privileged
    remove privileged
}

dind_prepared() {
    prepared_dind dind -v /var/lib/docker --
    inner_image dind
    inner_container dind inner --memory 64m -- sleep infinity
    record "$MACHINE-dind-prepared" \
        'pid1 dockerd' 'cgroup_namespace private' 'subtree_control_has cpu memory pids' 'own_cgroup_matches ^0::/init$' \
        'filesystem ext2/ext3 /var/lib/docker' 'docker ps --format "{{.Names}}" | grep -qx inner' \
        -- docker exec -i dind
    remove dind
}

# As docker:dind does it: an init in front, the nesting prepared, the data root on a volume.
dind_healthy() {
    container dind --privileged -v /var/lib/docker -- tini -- sh -c "$prepared_daemon" dockerd
    daemon_answers dind
    inner_image dind
    inner_container dind inner --memory 64m -- sleep infinity
    record "$MACHINE-dind-healthy" \
        'pid1 tini' 'process_runs dockerd' 'cgroup_namespace private' 'subtree_control_has cpu memory pids' \
        'filesystem ext2/ext3 /var/lib/docker' 'docker ps --format "{{.Names}}" | grep -qx inner' \
        -- docker exec -i dind
    remove dind
}

# A user of the machine with a systemd user manager, as after a login: rootless engines live below user@.service.
rootless_user() {
    id lab >/dev/null 2>&1 || useradd --create-home --shell /bin/bash lab
    loginctl enable-linger lab
    eventually test -S "/run/user/$(id -u lab)/bus"
}

# KillMode: what podman leaves running must outlive the command that started it.
as_user() {
    systemd-run --quiet --user --machine=lab@.host --pipe --wait --collect --property KillMode=process "$@"
}

podman_rootless() {
    rootless_user
    record "$MACHINE-rootless-user" \
        '[ "$(id -un)" = lab ]' 'own_cgroup_matches "user@[0-9]+\.service"' 'effective_capabilities 0+' 'user_namespace host' \
        'grep -q ^lab: /etc/subuid' \
        -- as_user
    as_user podman import --quiet - lab <"$image"
    as_user podman run -d --name rootless --hostname rootless --network slirp4netns -v /usr:/usr:ro lab tini -- sleep infinity
    record "$MACHINE-podman-rootless" \
        'user_namespace private' 'cgroup_namespace private' '[ "$(id -u)" = 0 ]' 'pid1 tini' \
        -- as_user podman exec -i rootless
    as_user podman rm -f -t 0 rootless
}
