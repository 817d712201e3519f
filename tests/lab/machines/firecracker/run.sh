#!/usr/bin/env bash
# The machine that the lab itself runs on. Everything happens in network and mount namespaces of the script's own: rules,
# links and routes of the machine stay as they are.
# shellcheck disable=SC2016 # claims and scripts in single quotes run in the environment
set -eu
. "$LAB/recording.sh"
. "$LAB/docker.sh"
. "$LAB/machines/firecracker/namespaces.sh"

machine_itself() {
    record vm-firecracker-hybrid \
        'cgroup_namespace host' 'mounted cgroup2 /sys/fs/cgroup/unified' 'mounted cgroup /sys/fs/cgroup/memory' \
        'effective_capabilities 000001fffeffffff' '[ -e /.dockerenv ]' -- env
}

uplinks() {
    local mtu prefix
    for mtu in 1500 1480 1450 1400; do
        network "uplink-$mtu"
        inside "uplink-$mtu" ip link set eth0 mtu "$mtu"
        inside "uplink-$mtu-node" ip link set veth mtu "$mtu"
        entering "uplink-$mtu"
        record "mtu-$mtu" "device_mtu eth0 $mtu" 'default_route_over eth0' -- "${prefix[@]}"
        release "uplink-$mtu" "uplink-$mtu-node"
    done
}

route_mtu() {
    local prefix
    network route
    inside route ip route replace default via 10.244.0.1 mtu 1450
    entering route
    record mtu-route-1450 'device_mtu eth0 1500' 'ip route get 192.0.2.1 | grep -q "mtu 1450"' -- "${prefix[@]}"
    release route route-node
}

bridge_over_small_uplink() {
    local prefix
    network bridged
    hold inner
    inside bridged ip link set eth0 mtu 1450
    inside bridged ip link add docker0 type bridge
    inside bridged ip address add 172.17.0.1/16 dev docker0
    inside bridged ip link set docker0 up
    pair bridged veth0 inner
    inside bridged ip link set veth0 master docker0 up
    entering bridged
    record mtu-bridge-1450 'device_mtu eth0 1450' 'device_mtu docker0 1500' 'device_mtu veth0 1500' -- "${prefix[@]}"
    release bridged bridged-node inner
}

masquerade=(-t nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE)
embedded_dns=(-t nat -A OUTPUT -d 127.0.0.11/32 -p udp -m udp --dport 53 -j DNAT --to-destination 127.0.0.11:41321)

rule_sets() {
    local prefix
    network nft
    inside nft iptables-nft "${masquerade[@]}"
    entering nft
    record netfilter-nft-only 'legacy_tables ""' 'nft list tables | grep -qx "table ip nat"' -- "${prefix[@]}"
    # Listing is enough to register the tables.
    inside nft iptables-legacy -t nat -nL >/dev/null
    record netfilter-legacy-empty 'legacy_tables nat' 'nft list tables | grep -qx "table ip nat"' -- "${prefix[@]}"
    release nft nft-node

    network legacy
    inside legacy iptables-legacy "${masquerade[@]}"
    entering legacy
    record netfilter-legacy-only 'legacy_tables nat' '[ -z "$(nft list tables)" ]' 'iptables -V | grep -q nf_tables' \
        -- "${prefix[@]}"
    release legacy legacy-node

    network mixed
    inside mixed iptables-nft "${embedded_dns[@]}"
    inside mixed iptables-legacy "${masquerade[@]}"
    entering mixed
    record netfilter-mixed 'legacy_tables nat' 'nft list tables | grep -qx "table ip nat"' -- "${prefix[@]}"
    release mixed mixed-node
}

docker_containers() {
    start_daemon
    make_image
    docker import "$image" lab >/dev/null

    container plain -- tini -- sleep infinity
    record docker20-unprivileged 'effective_capabilities 00000000a80425fb' 'seccomp 2' 'mounted cgroup /sys/fs/cgroup/memory' \
        'device_mtu eth0 1500' -- /usr/bin/docker --host "unix://$WORK/docker.sock" exec -i plain
    remove plain

    if docker run --rm --privileged -v /usr:/usr:ro lab true; then
        echo 'this machine lets Docker run --privileged; docker20-cap-add-all is not what it says'
    fi
    job_with_socket

    container most --cap-add ALL --cap-drop SYS_RESOURCE --security-opt seccomp=unconfined \
        --security-opt systempaths=unconfined -- tini -- sleep infinity
    record docker20-cap-add-all 'effective_capabilities 0000003ffeffffff' 'seccomp 0' '! mounted tmpfs /proc/acpi' \
        -- /usr/bin/docker --host "unix://$WORK/docker.sock" exec -i most
    remove most

    stop_daemon
}

# A CI job as they are often started: small limits, the daemon outside, a cluster elsewhere, and a proxy that all agree on.
job_with_socket() {
    container job --memory 512m --cpus 0.5 --pids-limit 200 --ulimit nofile=1024:4096 -v "$WORK/docker.sock:/var/run/docker.sock" \
        -e HTTPS_PROXY=http://proxy.example:3128 -e NO_PROXY=localhost,127.0.0.1,.cluster.local -- tini -- sleep infinity
    docker exec -i job sh -c 'mkdir -p /root/.kube && cat >/root/.kube/config' <<'KUBECONFIG'
apiVersion: v1
kind: Config
current-context: kind-ci
contexts: [{name: kind-ci, context: {cluster: kind-ci, user: kind-ci}}]
clusters: [{name: kind-ci, cluster: {server: "https://ci-control-plane:6443"}}]
KUBECONFIG
    record docker20-job-socket '[ -S /var/run/docker.sock ]' 'docker version' 'seccomp 2' \
        '[ "$(cat /sys/fs/cgroup/memory/memory.limit_in_bytes)" = 536870912 ]' 'grep -q ci-control-plane /root/.kube/config' \
        -- /usr/bin/docker --host "unix://$WORK/docker.sock" exec -i job
    remove job
}

# crun refuses hybrid cgroups as soon as one controller is on v2, hence runc; no network, because users may not open
# /dev/net/tun here.
rootless() {
    local prefix user="$WORK/user"
    start_user
    record firecracker-rootless-user '[ "$(id -un)" = lab ]' 'effective_capabilities 0+' 'user_namespace host' \
        'unshare --user true' '[ -c /dev/net/tun ] && [ ! -w /dev/net/tun ]' -- "${prefix[@]}"

    cd "$user/home" # a folder that the user may be in
    [ -e "$image" ] || make_image
    "${prefix[@]}" podman import --quiet - lab <"$image"
    "${prefix[@]}" podman --runtime runc --cgroup-manager cgroupfs run -d --name rootless --network none \
        -e HTTPS_PROXY=http://proxy.example:3128 -v /usr:/usr:ro lab \
        tini -- sleep infinity
    record firecracker-podman-rootless 'user_namespace private' '[ "$(id -u)" = 0 ]' 'cgroup_namespace host' 'pid1 tini' \
        'mount_read_only /sys/fs/cgroup/memory' -- "${prefix[@]}" podman --runtime runc exec -i rootless
    "${prefix[@]}" podman --runtime runc rm -f -t 0 rootless
    release rootless rootless-node
}

# A user whom nobody prepared the machine for: too few ids, and neither devices nor the daemon's configuration can be seen.
rootless_unprepared() {
    local prefix file user="$WORK/unprepared"
    mkdir -p "$user/home" "$user/run"
    for file in passwd group subuid subgid; do cp "/etc/$file" "$user/$file"; done
    echo "lab:x:4242:4242::$user/home:/bin/sh" >>"$user/passwd"
    echo 'lab:x:4242:' >>"$user/group"
    echo 'lab:300000:1000' >>"$user/subuid"
    chown 4242:4242 "$user/home" "$user/run"
    network unprepared
    for file in passwd group subuid subgid; do inside unprepared mount --bind "$user/$file" "/etc/$file"; done
    inside unprepared sh -c 'ip address flush dev eth0
        ip address add 192.168.77.5/24 dev eth0
        ip route add default via 192.168.77.1
        mount -t tmpfs -o mode=700 tmpfs /dev/net
        mount -t tmpfs -o mode=700 tmpfs /etc/docker
        echo "{}" >/etc/docker/daemon.json'
    entering unprepared
    prefix+=(setpriv --reuid 4242 --regid 4242 --clear-groups --inh-caps=-all
        env -i "HOME=$user/home" "XDG_RUNTIME_DIR=$user/run" "PATH=$PATH")
    record firecracker-rootless-user-unprepared '[ "$(id -un)" = lab ]' 'grep -qx lab:300000:1000 /etc/subuid' \
        '! grep -q ^lab: /etc/subgid' '! stat /dev/net/tun' '! stat /etc/docker/daemon.json' -- "${prefix[@]}"
    release unprepared unprepared-node
}

# configured NAME JSON: holds a network whose daemon.json says so, with a tmpfs for a data root at /mnt.
configured() {
    network "$1"
    inside "$1" mount -t tmpfs tmpfs /etc/docker
    inside "$1" mount -t tmpfs tmpfs /mnt
    inside "$1" sh -c 'echo "$1" >/etc/docker/daemon.json' sh "$2"
}

daemon_configurations() {
    local prefix
    configured daemon-network '{"mtu": 1400, "firewall-backend": "nftables", "icc": false}'
    inside daemon-network ip link set eth0 mtu 1400
    entering daemon-network
    record daemon-json-network 'device_mtu eth0 1400' 'grep -q nftables /etc/docker/daemon.json' -- "${prefix[@]}"
    release daemon-network daemon-network-node

    configured daemon-engine '{"init": true, "data-root": "/mnt/docker", "default-runtime": "sysbox-runc",
        "features": {"containerd-snapshotter": true}, "storage-driver": "overlay2"}'
    entering daemon-engine
    record daemon-json-engine 'filesystem tmpfs /mnt' 'grep -q sysbox /etc/docker/daemon.json' -- "${prefix[@]}"
    release daemon-engine daemon-engine-node

    configured daemon-settled '{"storage-driver": "vfs", "firewall-backend": "iptables", "default-runtime": "runc",
        "features": {"containerd-snapshotter": false}}'
    entering daemon-settled
    record daemon-json-settled 'grep -q vfs /etc/docker/daemon.json' -- "${prefix[@]}"
    release daemon-settled daemon-settled-node
}

client_in_a_cluster() {
    local prefix
    network client
    inside client ip link add cilium_host type veth peer name cilium_net
    inside client mount -t tmpfs tmpfs /run
    inside client sh -c 'mkdir -p /run/secrets/kubernetes.io/serviceaccount /run/resolv
        echo x >/run/secrets/kubernetes.io/serviceaccount/token
        echo nameserver 127.0.0.1 >/run/resolv/conf
        conf=$(readlink -m /etc/resolv.conf)
        [ -e "$conf" ] || { mkdir -p "${conf%/*}" && : >"$conf"; }
        mount --bind /run/resolv/conf "$conf"'
    entering client
    record client-in-cluster '[ -e /run/secrets/kubernetes.io/serviceaccount/token ]' 'grep -q 127.0.0.1 /etc/resolv.conf' \
        -- "${prefix[@]}" env KUBERNETES_SERVICE_HOST=10.96.0.1 KUBERNETES_SERVICE_PORT=443 \
        DOCKER_HOST=tcp://docker:2376 HTTP_PROXY=http://proxy.example:3128
    release client client-node
}

left_in_run() {
    local prefix
    network leftovers
    inside leftovers mount -t tmpfs -o size=4m tmpfs /run
    inside leftovers sh -c 'sleep infinity </dev/null >/dev/null 2>&1 & echo $! >/run/docker.pid'
    inside leftovers nft -f - <<<'table inet guard { chain forward { type filter hook forward priority 0; policy drop; }; }'
    inside leftovers mount --bind /dev/null /usr/sbin/xtables-nft-multi
    entering leftovers
    record left-in-run 'filesystem tmpfs /run' 'grep -q sleep /proc/$(cat /run/docker.pid)/comm' '! iptables -V' -- "${prefix[@]}"
    release leftovers leftovers-node
}

taken_away() {
    local prefix
    network blind
    entering blind # while there are processes to be seen
    inside blind sh -c 'while umount -l /proc 2>/dev/null; do :; done'
    record no-proc '[ ! -e /proc/self ]' -- "${prefix[@]}"
    release blind blind-node
}

# As a unit with AmbientCapabilities= starts it.
ambient_capability() {
    record user-with-a-capability '[ "$(id -u)" = 1000 ]' 'grep -q "^CapPrm:.*1000$" /proc/self/status' \
        -- env HOME=/nonexistent setpriv --reuid 1000 --regid 1000 --clear-groups --inh-caps +net_admin --ambient-caps +net_admin
}

# A node without a disk: what boots over the network and goes on in its initramfs.
initial_root() {
    local prefix
    network diskless
    entering diskless
    record initial-root 'grep -q " / / .* - rootfs " /proc/self/mountinfo' '! bwrap --ro-bind / / true' \
        '! unshare -m sh -c "mount -t tmpfs tmpfs /mnt && mkdir /mnt/old && pivot_root /mnt /mnt/old"' \
        -- "${prefix[@]}" "$LAB/machines/firecracker/initial-root"
    release diskless diskless-node
}

# An engine whose programs are not on the PATH that it is started with, as agents of CI and static archives leave it.
engines_without_helpers() {
    local prefix program
    network helpers
    inside helpers mount -t tmpfs tmpfs /usr/local/sbin
    inside helpers mkdir /usr/local/sbin/engines
    for program in dockerd iptables; do
        inside helpers ln -s "$(command -v "$program")" /usr/local/sbin/engines/
    done
    for program in crun runc; do inside helpers mount --bind /dev/null "$(readlink -f "$(command -v "$program")")"; done
    entering helpers
    record engine-without-helpers 'command -v dockerd' '! command -v docker-proxy' '! command -v runc' 'command -v podman' \
        '! command -v crun' -- "${prefix[@]}" env PATH=/usr/local/sbin/engines:/usr/bin:/bin
    release helpers helpers-node
}

gvisor() {
    fetch_runsc
    record gvisor 'grep -q "^Linux version 4.4.0 .* 2016$" /proc/version' '! grep -q CapBnd.*0000000000000000 /proc/self/status' \
        -- "$runsc" --network=none --ignore-cgroups "do"
}

environment machine_itself vm-firecracker-hybrid
environment uplinks mtu-1500 mtu-1480 mtu-1450 mtu-1400
environment route_mtu mtu-route-1450
environment bridge_over_small_uplink mtu-bridge-1450
environment rule_sets netfilter-nft-only netfilter-legacy-empty netfilter-legacy-only netfilter-mixed
environment docker_containers docker20-unprivileged docker20-job-socket docker20-cap-add-all
environment rootless firecracker-rootless-user firecracker-podman-rootless
environment rootless_unprepared firecracker-rootless-user-unprepared
environment daemon_configurations daemon-json-network daemon-json-engine daemon-json-settled
environment client_in_a_cluster client-in-cluster
environment left_in_run left-in-run
environment taken_away no-proc
environment ambient_capability user-with-a-capability
environment initial_root initial-root
environment engines_without_helpers engine-without-helpers
environment gvisor gvisor
