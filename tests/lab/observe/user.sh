# shellcheck shell=sh
# user.sh: runs in the environment as an ordinary user who has subordinate ids, with words.sh before it: what rootless
# engines do, first by util-linux, then by a real engine with its own choices.

cd "$HOME" || exit
try user-namespace 20 unshare --user --map-root-user --mount mount -t tmpfs tmpfs /mnt || :
# Only where the namespace itself can be made is a refused proc about the proc.
! unshare --user --map-root-user --mount mount -t tmpfs tmpfs /mnt 2>/dev/null ||
    try fresh-proc 20 unshare --user --map-root-user --mount --pid --fork --mount-proc true || :
! unshare --user --map-root-user true 2>/dev/null ||
    try subordinate-ids 20 unshare --user --map-auto --map-root-user true || :

# No network: slirp4netns is a matter of its own. No cgroups: without a user manager nobody delegates any.
podman="podman --cgroup-manager cgroupfs --events-backend file"
if command -v podman >/dev/null; then
    $podman import --quiet "$PLACE/image.tar" lab >/dev/null 2>&1 || :
    # shellcheck disable=SC2086 # words
    try rootless-run 90 $podman run --rm --network none --cgroups disabled -v /usr:/usr:ro lab true || :
fi
