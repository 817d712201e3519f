#!/usr/bin/env bash
# Debian 12 with cgroup v1: what CI clusters of 2018-2021 looked like, and what of them is still alive.
# shellcheck disable=SC2016 # claims and scripts in single quotes run in the environment
set -eu
. "$LAB/recording.sh"
. "$LAB/docker.sh"

pod=/kubepods/burstable/pod0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9

# Docker's own choice on systemd machines is the systemd driver, which takes no path such as kubelet's for a parent.
use_cgroupfs_driver() {
    mkdir -p /etc/docker
    echo '{"exec-opts": ["native.cgroupdriver=cgroupfs"]}' >/etc/docker/daemon.json
    systemctl restart docker
    eventually docker info
}

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

# The workaround of kind's node entrypoint: /proc/<pid>/cgroup names paths that do not exist below the bind-mounted
# controllers, so each controller is mounted once more at that path below itself. From then on the tree contains itself.
bind_below_itself='
    mounts=$(grep -E -o "/[[:alnum:]].* /sys/fs/cgroup/[^ ]+ .* - cgroup " /proc/self/mountinfo)
    echo "$mounts" | while read -r root at rest; do
        mkdir -p "$at$root"
        mount --bind "$at" "$at$root"
    done'

# What made kubelet leave the outer pod alone: a cgroup root of its own in every controller. An empty cpuset takes no
# process (ENOSPC), and systemd removes cgroups that it does not know unless they are mount points.
make_kubelet_root='
    for controller in /sys/fs/cgroup/*/; do
        [ ! -L "${controller%/}" ] || continue
        mkdir -p "$controller/kubelet"
        if [ -e "$controller/cpuset.cpus" ]; then
            cat "$controller/cpuset.cpus" >"$controller/kubelet/cpuset.cpus"
            cat "$controller/cpuset.mems" >"$controller/kubelet/cpuset.mems"
        fi
        mount --bind "$controller/kubelet" "$controller/kubelet"
    done'

pod_and_nodes() {
    container pod --privileged --cgroupns=host --cgroup-parent="$pod" -v /var/lib/docker -- tini -- sleep infinity
    local in_pod=(cgroup_namespace\ host pid1\ tini "own_cgroup_matches \":memory:$pod/[0-9a-f]{64}\""
        "mount_root_matches /sys/fs/cgroup/memory \"^$pod/[0-9a-f]{64}\$\"")
    record bookworm-v1-pod "${in_pod[@]}" -- docker exec -i pod
    docker exec -d pod sh -c 'exec dockerd >/var/log/dockerd.log 2>&1'
    daemon_answers pod
    inner_image pod
    inner_container pod inner -- tini -- sleep infinity
    record bookworm-v1-pod-dind "${in_pod[@]}" 'process_runs dockerd' '[ -d /sys/fs/cgroup/memory/docker ]' -- docker exec -i pod
    docker exec pod docker rm -f inner >/dev/null

    inner_container pod node --privileged --tmpfs /run --tmpfs /tmp -v /var -v /lib/modules:/lib/modules:ro \
        -e container=docker -- tini -- sleep infinity
    local node=(docker exec -i pod docker exec -i node)
    "${node[@]}" sh -c 'mkdir /kind; echo v1.20.2 >/kind/version'
    "${node[@]}" sh -c "$bind_below_itself" </dev/null
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
