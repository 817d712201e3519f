# shellcheck shell=bash
# host.sh: sourced by run.sh. What an administrator, or nobody, did to the machine itself.
# shellcheck disable=SC2016,SC2154 # claims are code for the environment; variables come from the driver and docker.sh

# What cluster administrators set: kind's values for inotify, and kubelet's for the kernel, so that it finds them right where it
# may not set them.
tuned() {
    rootless_user
    sysctl -q -w fs.inotify.max_user_instances=8192 fs.inotify.max_user_watches=1048576 vm.overcommit_memory=1 \
        vm.panic_on_oom=0 kernel.panic=10 kernel.panic_on_oops=1 kernel.keys.root_maxkeys=1000000 \
        kernel.keys.root_maxbytes=25000000
    as_user podman import --quiet - lab <"$image"
    as_user podman run -d --name tuned --hostname tuned --network slirp4netns -v /usr:/usr:ro lab tini -- sleep infinity
    record bookworm-podman-rootless-tuned \
        'user_namespace private' '[ "$(id -u)" = 0 ]' 'grep -qx 8192 /proc/sys/fs/inotify/max_user_instances' \
        'grep -qx 1 /proc/sys/vm/overcommit_memory' 'grep -qx 10 /proc/sys/kernel/panic' \
        -- as_user podman exec -i tuned
    as_user podman rm -f -t 0 tuned
    # Not what panics mean: the values above must not outlive this, or an oops ends the whole recording.
    sysctl -q -w vm.overcommit_memory=0 kernel.panic=0 kernel.panic_on_oops=0 fs.inotify.max_user_instances=128
}

# As hardening guides have it.
user_namespaces_off() {
    local before
    rootless_user
    before=$(cat /proc/sys/user/max_user_namespaces)
    sysctl -q -w user.max_user_namespaces=0
    record bookworm-rootless-user-blocked \
        '[ "$(id -un)" = lab ]' 'user_namespace host' '! unshare --user true' 'grep -qx 0 /proc/sys/user/max_user_namespaces' \
        -- as_user
    sysctl -q -w "user.max_user_namespaces=$before"
}

# Modules come and go in layers: what nobody uses first.
unload_modules() {
    local round module
    for round in 1 2 3 4 5 6; do
        awk '$3 == 0 {print $1}' /proc/modules | while read -r module; do
            case $module in
            nf_* | nft_* | nfnetlink | xt_* | x_tables | ip_* | ip6* | ipt_* | iptable_* | br_netfilter | bridge | stp | llc | veth | overlay)
                rmmod "$module" || : "round $round"
                ;;
            esac
        done
    done
}

without_docker() {
    systemctl stop docker.socket docker containerd
    ip link delete docker0 || :
    nft flush ruleset
    unload_modules
    ! grep -E '^(nf_tables|br_netfilter|overlay) ' /proc/modules
}

# A machine on which nothing has run yet; the same with everything that goes wrong on one that nobody looks after; and one
# whose kernel has no iptables of the old kind any more, as RHEL 10's.
host_bare() {
    local now
    without_docker
    record bookworm-host-bare \
        'pid1 systemd' '! grep -q "^nf_tables " /proc/modules' '! grep -q "overlay$" /proc/filesystems' '! process_runs dockerd' \
        -- env

    mkdir -p /etc/docker
    echo '{"icc": false, "userland-proxy": false}' >/etc/docker/daemon.json
    fallocate -l 256M /var/swap
    chmod 600 /var/swap
    mkswap -q /var/swap
    swapon /var/swap
    sysctl -q -w kernel.keys.root_maxkeys=30
    now=$(date +%s)
    date -s 2020-01-01 >/dev/null
    record bookworm-host-worn \
        'grep -q ^/var/swap /proc/swaps' '[ ! -e /proc/sys/net/bridge ]' '[ "$(date +%Y)" = 2020 ]' \
        'grep -qx 30 /proc/sys/kernel/keys/root_maxkeys' -- env
    date -s "@$now" >/dev/null
    sysctl -q -w kernel.keys.root_maxkeys=1000000
    swapoff /var/swap
    rm /var/swap /etc/docker/daemon.json

    find "/lib/modules/$(uname -r)" \( -name 'ip_tables.ko*' -o -name 'ip6_tables.ko*' -o -name 'iptable_*.ko*' -o -name 'ip6table_*.ko*' \) -delete
    depmod
    systemctl start docker
    eventually docker info
    record bookworm-host-nft-only \
        '! modprobe ip_tables' '[ ! -e /proc/net/ip_tables_names ]' 'nft list tables | grep -qx "table ip nat"' \
        'process_runs dockerd' -- env
}
