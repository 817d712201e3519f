# shellcheck shell=sh disable=SC2154 # remover comes from remover.sh
# node.sh: runs in the environment, whose Docker daemon answers, with words.sh and remover.sh before it: a node as kind makes it, with systemd
# and a real containerd, a container in it as a pod is one, and somebody who removes the cgroups of pods that he does not know, as
# kubelet does.

# What kind's entrypoint does before it starts systemd, as far as it concerns mounts and cgroups.
# shellcheck disable=SC2016 # code for the node
entrypoint='
    mount --make-rshared /
    mount -o remount,ro /sys 2>/dev/null
    [ -e /dev/kmsg ] || ln -s /dev/console /dev/kmsg
    if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
        mkdir -p /sys/fs/cgroup/kubelet
    else
        for controller in /sys/fs/cgroup/*/; do
            [ -L "${controller%/}" ] || mkdir -p "$controller/kubelet"
        done
    fi
    exec /usr/lib/systemd/systemd'

observe_node() {
    docker rm -f -v node >/dev/null 2>&1
    said=$(docker run -d --name node --hostname node --privileged --cgroupns=private --tmpfs /run --tmpfs /tmp -v /var \
        -v /usr:/usr:ro -e container=docker lab sh -c "$entrypoint" 2>&1) ||
        { saw node failed "$said"; return 0; }
    if ! said=$(boots 300 node); then
        saw node failed "$said"
        docker rm -f -v node >/dev/null 2>&1
        return 0
    fi
    saw node worked "$said"
    observe_pod
    observe_remover
    docker rm -f -v node >/dev/null 2>&1
}

observe_pod() {
    # A node of kind whose root is FUSE takes the snapshotter fuse-overlayfs, which Debian does not have.
    case $(docker exec node stat -f -c %T /) in fuse*) return 0 ;; esac
    docker exec -d node containerd
    within 90 docker exec node ctr version || { saw pod failed 'containerd does not answer'; return 0; }
    docker save lab | docker exec -i node ctr images import - >/dev/null 2>&1
    try pod 120 docker exec node ctr run --rm --mount type=bind,src=/usr,dst=/usr,options=rbind:ro docker.io/library/lab:latest first true || :
}

observe_remover() {
    docker exec -d node sleep 86398
    timeout 60 docker exec node sh -c "$remover" remover /kubelet >/dev/null 2>&1
    sleep 1
    if docker exec node pgrep -f 'sleep 86398' >/dev/null 2>&1; then
        saw node-survives worked ''
    else
        saw node-survives failed 'the processes of the node were killed as those of a pod that nobody knows'
    fi
}

# Only where a daemon runs privileged containers.
! docker run --rm --privileged -v /usr:/usr:ro lab true >/dev/null 2>&1 || observe_node
