# shellcheck shell=sh
# user.sh: runs in the environment as an ordinary user who has subordinate ids, with words.sh before it: what rootless
# engines do, first by util-linux, then by a real engine with its own choices.

cd "$HOME" || exit
try user-namespace 20 unshare --user --map-root-user --mount mount -t tmpfs tmpfs /tmp || :
# Only where the namespace itself can be made is a refused proc about the proc.
! unshare --user --map-root-user --mount mount -t tmpfs tmpfs /tmp 2>/dev/null ||
    try fresh-proc 20 unshare --user --map-root-user --mount --pid --fork --mount-proc true || :
! unshare --user --map-root-user true 2>/dev/null ||
    try subordinate-ids 20 unshare --user --map-auto --map-root-user true || :

if command -v podman >/dev/null; then
    timeout 120 podman import --quiet "$PLACE/image.tar" lab >/dev/null 2>&1 || :
    try rootless-run 180 podman run --rm -v /usr:/usr:ro lab true || :
fi
