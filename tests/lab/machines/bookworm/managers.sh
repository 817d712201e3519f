# shellcheck shell=bash
# managers.sh: sourced by run.sh and outcomes.sh. Containers of systemd-nspawn and LXC, made of the image that Docker's are made of.
# shellcheck disable=SC2154 # variables come from docker.sh

# start_nspawn [-E VARIABLE]… [OPTION…]: a container that boots. As a unit, because D-Bus never gets ready in there, and
# systemd-run wants it.
start_nspawn() {
    local root=/var/lib/machines/lab environment=()
    while [ "${1:-}" = -E ]; do environment+=(--setenv "$2"); shift 2; done
    rm -rf --one-file-system "$root"
    mkdir -p "$root"
    tar -C "$root" -xf "$image"
    mkdir -p "$root/etc/systemd/system" "$root/var/lib/lab"
    cat >"$root/etc/systemd/system/lab.service" <<'UNIT'
[Service]
Type=oneshot
ExecStart=/bin/bash /var/lib/lab/command
StandardInput=file:/var/lib/lab/in
StandardOutput=truncate:/var/lib/lab/out
StandardError=truncate:/var/lib/lab/err
UNIT
    # It tells from the files of systemd which cgroups to give, and /usr is empty when it looks.
    systemd-run --quiet --unit nspawn --property Delegate=yes --setenv SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 \
        "${environment[@]}" \
        systemd-nspawn --quiet --keep-unit --boot --machine lab --directory "$root" --bind-ro /usr --private-network "$@"
    eventually machinectl show lab --property Leader || { journalctl --no-pager -u nspawn; return 1; }
    eventually in_nspawn systemctl is-active getty.target || { systemctl stop nspawn; return 1; }
}

in_nspawn() { nsenter --target "$(machinectl show lab --property Leader --value)" --mount --pid "$@"; }

# By the container's own manager: what enters by namespaces has neither its system call filter nor its capabilities.
by_unit() {
    local place=/var/lib/machines/lab/var/lib/lab status=0
    cat >"$place/in"
    printf '%q ' "$@" >"$place/command"
    in_nspawn systemctl start lab.service || status=$?
    cat "$place/err" >&2
    cat "$place/out"
    return "$status"
}

# start_lxc [LINE…]: a container with Debian's common configuration and these lines after it.
start_lxc() {
    local home=/var/lib/lxc/lab
    rm -rf --one-file-system "$home"
    mkdir -p "$home/rootfs"
    tar -C "$home/rootfs" -xf "$image"
    echo "$prepare_nesting; exec sleep infinity" >"$home/rootfs/prepared"
    cat >"$home/config" <<CONFIG
lxc.include = /usr/share/lxc/config/common.conf
lxc.rootfs.path = dir:$home/rootfs
lxc.mount.entry = /usr usr none bind,ro 0 0
lxc.mount.auto = proc:mixed sys:mixed cgroup:mixed
lxc.uts.name = lab
lxc.net.0.type = empty
lxc.init.cmd = /usr/bin/tini -- sleep infinity
CONFIG
    printf '%s\n' "$@" >>"$home/config"
    lxc-start -n lab
    eventually lxc-attach -n lab -- true
}
