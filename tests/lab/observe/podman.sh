# shellcheck shell=sh
# podman.sh: runs in the environment, with words.sh before it: podman with all that it chooses itself, as whoever is there.
# Where that fails, without the network, so that a cause is not taken for another one.

podman_runs() {
    cd "${HOME:-/}" || return 0
    # Without a runtime folder podman takes one below /tmp.
    if ! said=$(timeout 120 podman import --quiet "$PLACE/image.tar" lab 2>&1 </dev/null); then
        saw podman failed "$(printf '%s\n' "$said" | grep . | tail -n 1)"
        return 0
    fi
    try podman 180 podman run --rm -v /usr:/usr:ro lab true ||
        try podman-without-network 180 podman run --rm --network none -v /usr:/usr:ro lab true || :
    timeout 60 podman rmi -f lab >/dev/null 2>&1 </dev/null || :
}

! command -v podman >/dev/null || podman_runs
