# shellcheck shell=bash
# shellcheck disable=SC2034 # words for others
# subjects.sh: the environments that every generation of kernel and engines is tried with. They are named after $MACHINE.
# shellcheck disable=SC2016,SC2154 # claims are code for the environment; variables come from the driver and docker.sh

# shellcheck source=/dev/null
. "$LAB/outcomes.sh"
. "$LAB/generation.sh"
. "$LAB/sandboxes.sh"

# PREPARE words: what images and administrators do before the daemon starts.
told_mtu='mkdir -p /etc/docker; echo "{\"mtu\": 1400}" >/etc/docker/daemon.json'
drop_forwarded='nft add table inet guard; nft "add chain inet guard forward { type filter hook forward priority 0; policy drop; }"'
legacy_tool='ln -sf /usr/sbin/iptables-legacy /etc/alternatives/iptables; ln -sf /usr/sbin/ip6tables-legacy /etc/alternatives/ip6tables'
rules_of_legacy='iptables-legacy -t nat -A POSTROUTING -s 10.88.0.0/16 -j MASQUERADE'
no_tool='mount --bind /dev/null /usr/sbin/xtables-nft-multi; mount --bind /dev/null /usr/sbin/xtables-legacy-multi'
route_mtu='ip route replace $(ip route show default) mtu 1450'
used_pid_file='mkdir -p /run; echo 1 >/run/docker.pid; ln -sfn /run /var/run'

machine_itself() {
    ENGINE='limits privileges network build podman' OBSERVE='sandbox podman engine node' subject_of_machine "$MACHINE-host" 'cgroup_namespace host' 'pid1 systemd' 'process_runs dockerd' -- env
}

unprivileged() {
    OBSERVE='sandbox podman engine lifetime systemd' subject "$MACHINE-unprivileged" \
        'seccomp 2' 'mount_read_only /sys/fs/cgroup' 'cgroup_namespace private' -- -- tini -- sleep infinity
}

# As docker:dind does it: an init in front, the nesting prepared, the data root on a volume.
dind_prepared() {
    ENGINE='limits privileges network build volumes forty' OBSERVE='sandbox podman engine node lifetime systemd' subject "$MACHINE-dind-prepared" \
        'pid1 tini' 'seccomp 0' 'cgroup_namespace private' 'subtree_control_has cpu memory pids' 'filesystem ext2/ext3 /var/lib/docker' \
        -- --privileged -v /var/lib/docker -- tini -- sh -c "$prepare_nesting; exec sleep infinity"
}

dind_unprepared() {
    OBSERVE='engine node' subject "$MACHINE-dind-unprepared" \
        'pid1 tini' 'seccomp 0' 'cgroup_namespace private' 'subtree_control_empty' 'filesystem ext2/ext3 /var/lib/docker' \
        -- --privileged -v /var/lib/docker -- tini -- sleep infinity
}

dind_on_overlay() {
    OBSERVE='engine node' subject "$MACHINE-dind-overlay" \
        'pid1 tini' 'subtree_control_has cpu memory pids' 'filesystem overlayfs /var/lib' \
        -- --privileged -- tini -- sh -c "$prepare_nesting; exec sleep infinity"
}

host_cgroup_namespace() {
    OBSERVE='engine lifetime systemd' subject "$MACHINE-cgroupns-host" \
        'cgroup_namespace host' 'own_cgroup_matches "docker-[0-9a-f]{64}"' \
        -- --privileged --cgroupns=host -v /var/lib/docker -- tini -- sleep infinity
}

# A path of 1400 bytes; the second daemon was told.
dind_on_small_path() {
    wanted "$MACHINE-mtu-1400" || wanted "$MACHINE-mtu-1400-told" || return 0
    docker network create --opt com.docker.network.driver.mtu=1400 small >/dev/null
    path_mtu 1400
    ENGINE=network OBSERVE=engine subject "$MACHINE-mtu-1400" 'device_mtu eth0 1400' 'default_route_over eth0' \
        -- --privileged --network small -v /var/lib/docker -- tini -- sh -c "$prepare_nesting; exec sleep infinity"
    ENGINE=network PREPARE=$told_mtu OBSERVE=engine subject "$MACHINE-mtu-1400-told" \
        'device_mtu eth0 1400' 'grep -q 1400 /etc/docker/daemon.json' \
        -- --privileged --network small -v /var/lib/docker -- tini -- sh -c "$prepare_nesting; exec sleep infinity"
    path_mtu 1500
    docker network rm small >/dev/null
}

# What a user with a systemd user manager has, and what runs in a container of his.
rootless() {
    wanted "$MACHINE-rootless-user" || wanted "$MACHINE-podman-rootless" || return 0
    rootless_user
    OBSERVE='user sandbox podman' subject_of_machine "$MACHINE-rootless-user" \
        '[ "$(id -un)" = lab ]' 'own_cgroup_matches "user@[0-9]+\.service"' 'effective_capabilities 0+' -- as_user
    as_user podman import --quiet - lab <"$image"
    as_user podman run -d --name rootless --hostname rootless --network slirp4netns -v /usr:/usr:ro lab tini -- sleep infinity
    OBSERVE='sandbox engine' subject_of_machine "$MACHINE-podman-rootless" \
        'user_namespace private' 'cgroup_namespace private' '[ "$(id -u)" = 0 ]' 'pid1 tini' \
        -- as_user podman exec -i rootless
    as_user podman rm -f -t 0 rootless
}

# An ordinary user in a container.
users() {
    OBSERVE='user sandbox podman' subject "$MACHINE-user-unprivileged" '[ "$(id -un)" = lab ]' 'seccomp 2' -- -- tini -- sleep infinity
    OBSERVE='user sandbox podman' subject "$MACHINE-user-privileged" '[ "$(id -un)" = lab ]' 'seccomp 0' \
        -- --privileged -v /home/lab -- tini -- sh -c "$prepare_nesting; exec sleep infinity"
}

sandboxes_of_generation() { sandboxes "$MACHINE"; }

every_generation() {
    parts machine_itself unprivileged dind_prepared dind_unprepared dind_on_overlay host_cgroup_namespace dind_on_small_path rootless users sandboxes_of_generation
}
