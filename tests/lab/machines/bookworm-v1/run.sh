#!/usr/bin/env bash
# Debian 12 with cgroup v1: what CI clusters of 2018-2021 looked like, and what of them is still alive.
# shellcheck disable=SC2016 # claims and scripts in single quotes run in the environment
set -eu
. "$LAB/recording.sh"
. "$LAB/docker.sh"
. "$LAB/machines/bookworm-v1/pods.sh"

machine_itself() {
    record bookworm-v1-host 'cgroup_namespace host' 'pid1 systemd' 'mounted tmpfs /sys/fs/cgroup' \
        'mounted cgroup /sys/fs/cgroup/memory' '! grep -q " - cgroup2 " /proc/self/mountinfo' -- env
}

plain_container() {
    container plain -- tini -- sleep infinity
    record bookworm-v1-container 'cgroup_namespace host' 'mount_root_matches /sys/fs/cgroup/memory "^/docker/[0-9a-f]{64}$"' \
        'mount_read_only /sys/fs/cgroup/memory' -- docker exec -i plain
    remove plain
}

privileged() {
    container privileged --privileged -- tini -- sleep infinity
    record bookworm-v1-privileged 'cgroup_namespace host' 'effective_capabilities 0000003fffffffff' \
        'mount_root_matches /sys/fs/cgroup/memory "^/docker/[0-9a-f]{64}$"' '! mount_read_only /sys/fs/cgroup/memory' \
        -- docker exec -i privileged
    remove privileged
    container privileged --privileged --cgroupns=private -- tini -- sleep infinity
    record bookworm-v1-cgroupns-private 'cgroup_namespace private' 'mount_root /sys/fs/cgroup/memory /' \
        'own_cgroup_matches ":memory:/$"' -- docker exec -i privileged
    remove privileged
    container privileged --privileged -v /sys/fs/cgroup:/sys/fs/cgroup -- tini -- sleep infinity
    record bookworm-v1-cgroup-bind 'cgroup_namespace host' 'mount_root /sys/fs/cgroup/memory /' \
        'own_cgroup_matches ":memory:/docker/"' '[ -e /sys/fs/cgroup/memory/release_agent ]' -- docker exec -i privileged
    remove privileged
}

pod_and_nodes() {
    start_pod
    local in_pod=(cgroup_namespace\ host pid1\ tini "own_cgroup_matches \":memory:$pod/[0-9a-f]{64}\""
        "mount_root_matches /sys/fs/cgroup/memory \"^$pod/[0-9a-f]{64}\$\"")
    record bookworm-v1-pod "${in_pod[@]}" -- docker exec -i pod
    start_daemon_in_pod
    inner_container pod inner -- tini -- sleep infinity
    record bookworm-v1-pod-dind "${in_pod[@]}" 'process_runs dockerd' '[ -d /sys/fs/cgroup/memory/docker ]' -- docker exec -i pod
    docker exec pod docker rm -f inner >/dev/null

    start_node_in_pod
    local node=(docker exec -i pod docker exec -i node)
    local in_node=(cgroup_namespace\ host "[ -d /sys/fs/cgroup/memory$pod ]" "own_cgroup_matches \":memory:$pod/.*/docker/\""
        '[ -e "/sys/fs/cgroup/memory$(sed -n "s/.*:memory://p" /proc/self/cgroup)/tasks" ]')
    record bookworm-v1-node "${in_node[@]}" '[ ! -e /sys/fs/cgroup/memory/kubelet ]' -- "${node[@]}"
    "${node[@]}" sh -c "$make_kubelet_root" </dev/null
    record bookworm-v1-node-kubelet-root "${in_node[@]}" 'mounted cgroup /sys/fs/cgroup/memory/kubelet' \
        'grep -q . /sys/fs/cgroup/cpuset/kubelet/cpuset.cpus' -- "${node[@]}"
    remove pod
}

make_image
use_cgroupfs_driver
docker import "$image" lab >/dev/null
environment machine_itself host
environment plain_container container
environment privileged privileged cgroupns-private cgroup-bind
environment pod_and_nodes pod pod-dind node node-kubelet-root
