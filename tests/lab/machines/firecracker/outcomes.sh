#!/usr/bin/env bash
# The machine that the lab itself runs on, in namespaces of the script's own.
# shellcheck disable=SC2016 # claims and scripts in single quotes run in the environment
set -eu
. "$LAB/outcomes.sh"
. "$LAB/sandboxes.sh"
. "$LAB/machines/firecracker/namespaces.sh"

containers() {
    wanted hybrid-unprivileged || wanted hybrid-cap-add-all || wanted hybrid-no-net-admin || return 0
    start_daemon
    docker import "$image" lab >/dev/null
    OBSERVE='sandbox podman engine lifetime systemd' subject hybrid-unprivileged 'seccomp 2' 'mounted cgroup /sys/fs/cgroup/memory' \
        -- -v /var/lib/docker -- tini -- sleep infinity
    # As near to --privileged as this machine lets Docker 20.10 come: it cannot give a capability that it lacks.
    local most=(--cap-add ALL --cap-drop SYS_RESOURCE --security-opt seccomp=unconfined --security-opt systempaths=unconfined)
    OBSERVE='sandbox podman engine lifetime' subject hybrid-cap-add-all 'seccomp 0' 'effective_capabilities 0000003ffeffffff' \
        -- "${most[@]}" -v /var/lib/docker -- tini -- sleep infinity
    OBSERVE='sandbox podman engine' subject hybrid-no-net-admin 'seccomp 0' 'effective_capabilities 0000003ffeffefff' \
        -- "${most[@]}" --cap-drop NET_ADMIN -v /var/lib/docker -- tini -- sleep infinity
    stop_daemon
}

in_containers() {
    any_wanted "${of_sandboxes[@]/#/hybrid-sandbox-}" || return 0
    start_daemon
    docker import "$image" lab >/dev/null
    sandboxes hybrid
    stop_daemon
}

machine_itself() {
    wanted hybrid-host || return 0
    start_daemon
    # The daemon and its clients in namespaces that have an uplink of their own.
    entering docker
    ENGINE='limits privileges network build podman' OBSERVE='sandbox podman engine node' subject_of_machine hybrid-host 'effective_capabilities 000001fffeffffff' 'process_runs dockerd' \
        -- "${prefix[@]}" env "DOCKER_HOST=unix://$WORK/docker.sock"
    stop_daemon
}

rootless() {
    wanted hybrid-rootless-user || return 0
    local prefix
    start_user
    OBSERVE='user sandbox podman' subject_of_machine hybrid-rootless-user '[ "$(id -un)" = lab ]' 'effective_capabilities 0+' -- "${prefix[@]}"
    release rootless rootless-node
}

gvisor() {
    wanted gvisor || return 0
    fetch_runsc
    # Every command has a sandbox of its own, which shows the machine's files.
    deliver env
    deliver() { :; }
    OBSERVE='sandbox engine' subject_of_machine gvisor 'grep -q "^Linux version 4.4.0 .* 2016$" /proc/version' \
        -- "$runsc" --network=none --ignore-cgroups "do"
    rm -rf "$place"
}

make_image_with_user
make_package
parts machine_itself containers in_containers rootless gvisor
