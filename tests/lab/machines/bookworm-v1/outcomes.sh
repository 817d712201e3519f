#!/usr/bin/env bash
# Debian 12 with cgroup v1, and pods as kubelet makes them.
# shellcheck disable=SC2016 # claims and scripts in single quotes run in the environment
set -eu
. "$LAB/outcomes.sh"
. "$LAB/machines/bookworm-v1/pods.sh"

containers() {
    OBSERVE='engine lifetime systemd' subject bookworm-v1-unprivileged 'cgroup_namespace host' 'seccomp 2' \
        -- -v /var/lib/docker -- tini -- sleep infinity
    OBSERVE='engine node lifetime systemd' subject bookworm-v1-privileged 'cgroup_namespace host' 'seccomp 0' \
        -- --privileged -v /var/lib/docker -- tini -- sleep infinity
    OBSERVE='engine node lifetime systemd' subject bookworm-v1-cgroupns-private 'cgroup_namespace private' 'seccomp 0' \
        -- --privileged --cgroupns=private -v /var/lib/docker -- tini -- sleep infinity
    OBSERVE='engine node lifetime' subject bookworm-v1-pod 'cgroup_namespace host' "own_cgroup_matches \":memory:$pod/\"" \
        -- --privileged --cgroupns=host --cgroup-parent="$pod" -v /var/lib/docker -- tini -- sleep infinity
}

# node NAME ROOT [CLAIM…]: a node as kind made them before it asked for a cgroup namespace. Does it take the pod around it for one
# that it is to remove from below its cgroup ROOT?
node() {
    local name=$1 root=$2
    shift 2
    wanted "$name" || return 0
    start_pod_and_node
    [ "$root" = / ] || docker exec pod docker exec node sh -c "$make_kubelet_root"
    OBSERVE='' subject_of_machine "$name" "[ -d /sys/fs/cgroup/memory$pod ]" "$@" -- docker exec -i pod docker exec -i node
    observe_remover "$name" "${root%/}" docker exec -i pod docker exec -i node
    save
    remove pod
}

nodes() {
    ASSUME='' # its /kind/version says what it is
    node bookworm-v1-node / '[ ! -e /sys/fs/cgroup/memory/kubelet ]'
    node bookworm-v1-node-kubelet-root /kubelet 'mounted cgroup /sys/fs/cgroup/memory/kubelet'
}

use_cgroupfs_driver
set_up
parts containers nodes
