# shellcheck shell=sh
# claims.sh: words for what an environment claims to be; they run inside it, with any POSIX shell.

cgroup_namespace() { # host|private
    case $1 in
    host) [ "$(readlink /proc/self/ns/cgroup)" = 'cgroup:[4026531835]' ] ;;
    private) [ "$(readlink /proc/self/ns/cgroup)" != 'cgroup:[4026531835]' ] ;;
    esac
}
own_cgroup_matches() { grep -Eq "$1" /proc/self/cgroup; }
pid1() { [ "$(cat /proc/1/comm)" = "$1" ]; }
pid1_catches_term() { [ $((0x$(sed -n 's/^SigCgt:[[:space:]]*//p' /proc/1/status) & 0x4000)) != 0 ]; }
process_runs() { cat /proc/[0-9]*/comm 2>/dev/null | grep -qx "$1"; }
# mount_of PATH: the last line of mountinfo for exactly this mount point.
mount_of() { awk -v path="$1" '$5 == path {line = $0} END {print line; exit !line}' /proc/self/mountinfo; }
mounted() { mount_of "$2" | grep -q " - $1 "; } # mounted FSTYPE PATH
mount_root() { [ "$(mount_of "$1" | cut -d ' ' -f 4)" = "$2" ]; }
mount_root_matches() { mount_of "$1" | cut -d ' ' -f 4 | grep -Eq "$2"; }
mount_read_only() { mount_of "$1" | cut -d ' ' -f 6 | grep -Eq '^ro(,|$)'; }
filesystem() { [ "$(stat -f -c %T "$2")" = "$1" ]; }                   # filesystem NAME PATH, names as stat prints them
effective_capabilities() { grep -Eqx "CapEff:[[:space:]]*($1)" /proc/self/status; } # a regular expression
seccomp() { grep -Eqx "Seccomp:[[:space:]]*$1" /proc/self/status; }
subtree_control_has() { # the controllers named, in the cgroup at the root of the mount
    for controller; do grep -qw "$controller" /sys/fs/cgroup/cgroup.subtree_control || return 1; done
}
subtree_control_empty() { ! grep -q . /sys/fs/cgroup/cgroup.subtree_control; }
device_mtu() { [ "$(cat "/sys/class/net/$1/mtu")" = "$2" ]; }
default_route_over() { [ "$(awk '$2 == "00000000" && $8 == "00000000" {print $1; exit}' /proc/net/route)" = "$1" ]; }
legacy_tables() { [ "$(sort /proc/net/ip_tables_names | tr '\n' ' ')" = "${1:+$1 }" ]; } # sorted, '' for none
zombies_of_pid1() { # at least this many
    [ "$(cat /proc/[0-9]*/stat 2>/dev/null | sed 's/.*) //' | grep -c '^Z 1 ')" -ge "$1" ]
}
user_namespace() { # host|private
    case $1 in
    host) [ "$(readlink /proc/self/ns/user)" = 'user:[4026531837]' ] ;;
    private) [ "$(readlink /proc/self/ns/user)" != 'user:[4026531837]' ] ;;
    esac
}
