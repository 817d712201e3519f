# shellcheck shell=sh
# sandbox.sh: runs in the environment, with words.sh before it: bubblewrap as AI agents, Flatpak and build tools call it, as
# whoever is there.

# Of two failures of one cause only the first is told.
if command -v bwrap >/dev/null; then
    # The order counts: what is bound to / comes first, or it hides the new proc.
    try sandbox 30 bwrap --unshare-all --ro-bind / / --proc /proc --dev /dev true || :
    # What agents do without a proc of their own, where they are told that they are in a container.
    ! try sandbox-without-proc 30 bwrap --unshare-all --ro-bind / / --dev /dev true ||
        try sandbox-proc 30 bwrap --unshare-all --ro-bind / / --dev /dev --proc /proc true || :
    # Who does not ask for a user namespace gets one all the same, unless he is root.
    try sandbox-as-is 30 bwrap --unshare-net --unshare-pid --ro-bind / / --dev /dev true || :
fi
