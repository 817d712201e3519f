# shellcheck shell=bash
# containers.sh: sourced by run.sh. Containers whose launcher limits them, or gives them what is the host's.
# shellcheck disable=SC2016,SC2154 # claims are code for the environment; variables come from the driver and docker.sh

# A quota that processes below the leaf do not see, little memory, and cgroups that nobody removed. The limits come late, or
# the emulated machine takes minutes to start the daemon.
dind_limited() {
    local cgroup
    prepared_dind dind -v /var/lib/docker --
    docker update --cpus 0.75 --memory 512m --memory-swap 512m --pids-limit 400 dind >/dev/null
    # Of the root of a delegated tree, the limits are the delegater's.
    cgroup=/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$(docker inspect --format '{{.State.Pid}}' dind)/cgroup")
    echo 20 >"${cgroup%/init}/cgroup.max.descendants"
    docker exec dind sh -c 'for i in $(seq 20); do mkdir -p "/sys/fs/cgroup/docker/left-over-$i"; done' || :
    record bookworm-dind-limited \
        'pid1 dockerd' 'own_cgroup_matches ^0::/init$' '[ "$(cat /sys/fs/cgroup/cpu.max)" = "75000 100000" ]' \
        '[ "$(cat /sys/fs/cgroup/memory.max)" = 536870912 ]' 'grep -qx "nr_descendants 20" /sys/fs/cgroup/cgroup.stat' \
        -- docker exec -i dind
    remove dind
}

# A btrfs on a loop device for data roots. A privileged container has the device, another one has not.
dind_on_btrfs() {
    local device disk=$WORK/btrfs.img
    truncate -s 256M "$disk"
    mkfs.btrfs -q "$disk"
    device=$(losetup --find --show "$disk")
    mkdir -p /mnt/btrfs
    mount "$device" /mnt/btrfs
    mkdir /mnt/btrfs/privileged /mnt/btrfs/capped
    prepared_dind dind -v /mnt/btrfs/privileged:/var/lib/docker --
    record bookworm-dind-btrfs \
        'pid1 dockerd' 'filesystem btrfs /var/lib/docker' '[ -b /dev/loop0 ]' -- docker exec -i dind
    remove dind
    # Everything but policy rights, with the securityfs that old entrypoints mounted for themselves.
    container capped --cap-add ALL --cap-drop MAC_ADMIN --security-opt apparmor=unconfined --security-opt seccomp=unconfined \
        -v /sys/kernel/security:/sys/kernel/security -v /mnt/btrfs/capped:/var/lib/docker -- tini -- sleep infinity
    record bookworm-capped \
        'effective_capabilities "[0-9a-f]{7}dffffffff"' 'seccomp 0' '[ -d /sys/kernel/security/apparmor ]' \
        'filesystem btrfs /var/lib/docker' '[ ! -e /dev/loop0 ]' \
        -- docker exec -i capped
    remove capped
    umount /mnt/btrfs
    losetup --detach "$device"
}

# As in a cloud whose networks carry jumbo frames: nothing to find.
dind_on_jumbo_frames() {
    docker network create --opt com.docker.network.driver.mtu=9001 jumbo >/dev/null
    prepared_dind dind --network jumbo -v /var/lib/docker --
    record bookworm-dind-mtu-9001 'device_mtu eth0 9001' 'device_mtu docker0 1500' -- docker exec -i dind
    remove dind
    docker network rm jumbo >/dev/null
}

# As under Cilium, where only the route knows, and with a daemon that was told. A bridge without containers
# does not show what it was told.
dind_over_route_mtu() {
    prepared_dind dind -v /var/lib/docker -- --mtu 1450
    docker exec dind sh -c 'ip route replace $(ip route show default) mtu 1450'
    record bookworm-dind-route-mtu-1450-told \
        'device_mtu eth0 1500' 'device_mtu docker0 1500' 'tr "\0" " " </proc/1/cmdline | grep -q "mtu 1450"' \
        'ip route show default | grep -q "mtu 1450"' \
        -- docker exec -i dind
    remove dind
}

# A pod with the host's network, socket, data root and systemd, as agents and runners are often deployed.
host_mounts() {
    docker info >/dev/null
    container reaching --privileged --network host -v /run/systemd:/run/systemd:ro -v /var/lib/docker:/var/lib/docker \
        -v /run/docker.sock:/var/run/docker.sock -e KUBERNETES_SERVICE_HOST=10.96.0.1 -e KUBERNETES_SERVICE_PORT=443 \
        -e KUBECONFIG=/etc/kubernetes/runner.conf -- tini -- sleep infinity
    record bookworm-host-mounts \
        'pid1 tini' '[ -d /run/systemd/system ]' '[ -S /var/run/docker.sock ]' 'device_mtu docker0 1500' \
        'mount_root /var/lib/docker /var/lib/docker' '[ -e /proc/sys/net/core/netdev_budget ]' \
        -- docker exec -i reaching
    remove reaching
}

# LXC with its configuration for nesting, as Proxmox writes it for Docker; no engine is installed yet.
lxc_nesting() {
    local home=/var/lib/lxc/nesting
    mkdir -p "$home/rootfs"
    tar -C "$home/rootfs" -xf "$image"
    : >"$home/rootfs/var/lib/dpkg/status"
    cat >"$home/config" <<CONFIG
lxc.include = /usr/share/lxc/config/common.conf
lxc.include = /usr/share/lxc/config/nesting.conf
lxc.rootfs.path = dir:$home/rootfs
lxc.mount.entry = /usr usr none bind,ro 0 0
lxc.mount.auto = proc:mixed sys:mixed cgroup:rw
lxc.apparmor.profile = lxc-container-default-with-nesting
lxc.uts.name = nesting
lxc.net.0.type = empty
lxc.init.cmd = /usr/bin/tini -- sleep infinity
CONFIG
    lxc-start -n nesting
    eventually lxc-attach -n nesting -- true
    record bookworm-lxc-nesting \
        'pid1 tini' 'cgroup_namespace private' 'grep -q with-nesting /proc/self/attr/current' \
        '! grep -q . /var/lib/dpkg/status' 'tr "\0" "\n" </proc/1/environ | grep -qx container=lxc' \
        -- lxc-attach -n nesting --clear-env --
    lxc-stop -k -n nesting
}
