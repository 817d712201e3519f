# shellcheck shell=bash
# sandboxes.sh: sourced by subjects.sh and by machines of their own. What a container's options do to bubblewrap, and to
# podman in it: each environment differs from another one in a single option.
# shellcheck disable=SC2034 # OBSERVE is for subject
# shellcheck disable=SC2016 # claims are code for the environment

# Two files of proc that Docker hides; a proc that shows less than the kernel's may not be mounted by a user namespace.
masked='grep -q " /proc/kcore \| /proc/keys " /proc/self/mountinfo'
sleeping=(tini -- sleep infinity)

of_sandboxes=(filter open tun user user-no-new-privileges no-setfcap sys-admin sys-admin-open profile)

any_wanted() {
    local name
    for name; do ! wanted "$name" || return 0; done
    return 1
}

# sandboxes NAME: the environments are called NAME-sandbox-….
sandboxes() {
    local name=$1-sandbox
    local filter=(--security-opt seccomp=unconfined --security-opt apparmor=unconfined)
    local open=("${filter[@]}" --security-opt systempaths=unconfined)
    OBSERVE='sandbox podman' subject "$name-filter" 'seccomp 0' "$masked" \
        -- "${filter[@]}" -v /var/lib/containers -- "${sleeping[@]}"
    OBSERVE='sandbox podman' subject "$name-open" 'seccomp 0' "! $masked" \
        -- "${open[@]}" -v /var/lib/containers -- "${sleeping[@]}"
    OBSERVE='sandbox podman' subject "$name-tun" 'seccomp 0' '[ -c /dev/net/tun ]' \
        -- "${open[@]}" --device /dev/net/tun -v /var/lib/containers -- "${sleeping[@]}"
    OBSERVE='sandbox podman' AS=lab subject "$name-user" '[ "$(id -un)" = lab ]' 'seccomp 0' "! $masked" \
        -- "${open[@]}" -v /home/lab -- "${sleeping[@]}"
    OBSERVE='sandbox podman' AS=lab subject "$name-user-no-new-privileges" '[ "$(id -un)" = lab ]' 'grep -q "^NoNewPrivs:.*1" /proc/self/status' \
        -- "${open[@]}" --security-opt no-new-privileges -v /home/lab -- "${sleeping[@]}"
    OBSERVE='sandbox podman' subject "$name-no-setfcap" 'seccomp 0' \
        -- "${open[@]}" --cap-drop SETFCAP -v /var/lib/containers -- "${sleeping[@]}"
    # Docker's own filter lets those mount who have this capability, and nobody pivot_root.
    OBSERVE='sandbox podman' subject "$name-sys-admin" 'seccomp 2' \
        -- --cap-add SYS_ADMIN --security-opt apparmor=unconfined --security-opt systempaths=unconfined \
        -v /var/lib/containers -- "${sleeping[@]}"
    OBSERVE='sandbox podman' subject "$name-sys-admin-open" 'seccomp 0' "! $masked" \
        -- --cap-add SYS_ADMIN "${open[@]}" -v /var/lib/containers -- "${sleeping[@]}"
    # With AppArmor in the kernel, docker-default refuses every mount.
    OBSERVE='sandbox podman' subject "$name-profile" 'seccomp 0' "! $masked" \
        -- --security-opt seccomp=unconfined --security-opt systempaths=unconfined -v /var/lib/containers -- "${sleeping[@]}"
}
