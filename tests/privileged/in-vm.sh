#!/usr/bin/env bash
# in-vm.sh: runs in the lab's machine (tests/lab/boot); its last line is the reason if it fails.
set -eu
loaded() { cut -d ' ' -f 1 /proc/modules | sort; }
is_loaded() { loaded | grep -qx "$1"; }

# Whatever the boot has loaded of netfilter goes, as far as nobody uses it.
for _ in 1 2 3 4 5; do
    for module in $(loaded | grep -E '^(nf|nft|xt|ip6?t|iptable|ip6table|ip_|ip6_|nfnetlink|br_netfilter)'); do
        rmmod "$module" 2>/dev/null || true
    done
done
for module in nf_tables nfnetlink ip_tables; do
    ! is_loaded $module || { echo "$module is in use, so nothing can be shown here"; exit 1; }
done

check() {
    local status=0 new
    loaded >before
    ./doctor "$@" >report 2>errors || status=$?
    loaded >after
    [ $status -le 1 ] && [ -s report ] || [ "$1" = capture ] || { echo "doctor $*: exit code $status: $(cat errors)"; exit 1; }
    new=$(comm -3 before after | tr -d '\t' | tr '\n' ' ')
    [ -z "$new" ] || { echo "doctor $* changed the modules: $new"; exit 1; }
}
check check
check check --format json
check facts
check capture -o bundle
[ -s bundle/manifest.jsonl ] || { echo "capture left no bundle"; exit 1; }

# Had anybody asked, the module would have come.
nft list tables >/dev/null
is_loaded nf_tables || { echo "nf_tables is not loaded on demand here, so nothing was shown"; exit 1; }
echo "no module was loaded; nft list tables loads $(loaded | comm -13 after - | tr '\n' ' ')"
