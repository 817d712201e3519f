# shellcheck shell=sh disable=SC2034 # for those who source it
# remover.sh: what kubelet does with the cgroups of pods that it does not have, as a script for a node.

# remover ROOT: kills what is in the pod cgroups below ROOT and removes them, as kubelet does with those of pods that it does
# not have; it has none.
# shellcheck disable=SC2016
remover='
    for top in /sys/fs/cgroup /sys/fs/cgroup/memory; do
        [ -d "$top$1/kubepods" ] || continue
        find "$top$1/kubepods" -maxdepth 3 -type d -name "pod*" | while read -r pod; do
            find "$pod" -name cgroup.procs -exec cat {} + 2>/dev/null | sort -u | xargs -r kill -KILL
        done
    done'
