# shellcheck shell=bash
# pods.sh: sourced by run.sh and outcomes.sh. A pod as kubelet made them on cgroup v1, and a nested node in it as kind made them
# before it asked for cgroup namespaces.
# shellcheck disable=SC2016,SC2034 # code in single quotes runs in the environment; words are for others

pod=/kubepods/burstable/pod0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9

# Docker's own choice on systemd machines is the systemd driver, which takes no path such as kubelet's for a parent.
use_cgroupfs_driver() {
    mkdir -p /etc/docker
    echo '{"exec-opts": ["native.cgroupdriver=cgroupfs"]}' >/etc/docker/daemon.json
    systemctl restart docker
    eventually docker info
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

start_pod() {
    container pod --privileged --cgroupns=host --cgroup-parent="$pod" -v /var/lib/docker -- tini -- sleep infinity
}

start_daemon_in_pod() {
    docker exec -d pod sh -c 'exec dockerd >/var/log/dockerd.log 2>&1'
    daemon_answers pod
    inner_image pod
}

start_node_in_pod() {
    inner_container pod node --privileged --tmpfs /run --tmpfs /tmp -v /var -v /lib/modules:/lib/modules:ro \
        -e container=docker -- tini -- sleep infinity
    docker exec pod docker exec node sh -c 'mkdir /kind; echo v1.20.2 >/kind/version'
    docker exec pod docker exec node sh -c "$bind_below_itself"
}

start_pod_and_node() {
    start_pod
    start_daemon_in_pod
    start_node_in_pod
}
