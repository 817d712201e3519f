# shellcheck shell=bash
# driver.sh: sourced by what runs machines. It reads the lists of environments and runs a machine's script, in a virtual machine
# or here.
#
# Variables: lab (this folder), doctor (the binary), capture_options, list and script (names of the files of a machine).
# shellcheck disable=SC2154 # they come from there

# The environments of a machine stand in its list: name, then what it is; `machine` is itself.
names_of() { sed -n '/^machine /d; s/^\([a-z0-9-]\{1,\}\) .*/\1/p' "$lab/machines/$1/$list"; }
description_of() { sed -n "s/^$2  *//p" "$lab/machines/$1/$list"; }
machines() { local file; for file in "$lab"/machines/*/"$list"; do basename "$(dirname "$file")"; done; }

# all_known NAME…: exits if one of them is neither an environment nor a machine.
all_known() {
    local machine name known
    known=$(for machine in $(machines); do echo "$machine"; names_of "$machine"; done)
    for name; do
        grep -Fqx -- "$name" <<<"$known" || { echo "$(basename "$0"): no environment or machine is called $name" >&2; exit 2; }
    done
}

# take_place MACHINE: sets $work, an empty folder that nobody else uses meanwhile.
take_place() {
    # A fixed place: containers show it in their mount tables, and fixtures should change only where reality does.
    work=${TMPDIR:-/tmp}/dind-doctor-lab/$1
    mkdir -p "$(dirname "$work")"
    exec 8>"$work.lock"
    flock 8
    rm -rf "$work"
    echo "== $1 (log: $work/out/run.log)"
}

# wanted_of MACHINE NAME…: which of its environments the names mean.
wanted_of() {
    local machine=$1 known name
    shift
    [ $# -gt 0 ] || { names_of "$machine"; return; }
    for known in $(names_of "$machine"); do
        for name; do
            case $name in "$machine" | "$known") echo "$known" && break ;; esac
        done
    done
}

# ready MACHINE: the disk of a virtual machine is built, or what a script needs that runs here is installed.
ready() {
    local suite='' package missing=()
    if [ -e "$lab/machines/$1/vm" ]; then
        # shellcheck source=/dev/null
        . "$lab/machines/$1/vm"
        "$lab/prepare" "$suite"
        return
    fi
    while read -r package; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q ' installed$' || missing+=("$package")
    done <"$lab/machines/$1/packages"
    [ ${#missing[@]} = 0 ] || {
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
    }
}

# run MACHINE WORK NAME…: runs its script for these environments; leaves WORK/out/<name>.
run() {
    local machine=$1 work=$2 suite='' kernel_options=''
    shift 2
    mkdir -p "$work/out"
    mkdir -p "$work/in/scripts/machines"
    cp -r "$lab"/*.sh "$lab/observe" "$work/in/scripts/"
    cp -r "$lab/machines/$machine" "$work/in/scripts/machines/"
    cp "$lab/vm.sh" "$work/in/run.sh"
    cp -L "$doctor" "$work/in/doctor"
    if [ -e "$lab/machines/$machine/vm" ]; then
        # shellcheck source=/dev/null
        . "$lab/machines/$machine/vm"
        printf "MACHINE=%s\nSCRIPT=%s\nONLY='%s'\nCAPTURE_OPTIONS='%s'\n" "$machine" "$script" "$*" "$capture_options" >"$work/in/values"
        "$lab/boot" "$suite" "$kernel_options" "$work/in" "$work/out"
    else
        # From the copy and with nothing of the caller's environment: what the doctor sees is the machine's.
        env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 LAB="$work/in/scripts" WORK="$work" OUT="$work/out" \
            DOCTOR="$work/in/doctor" MACHINE="$machine" ONLY="$*" CAPTURE_OPTIONS="$capture_options" \
            CACHE="${DOCTOR_LAB:-$HOME/.cache/dind-doctor-lab}" \
            bash "$work/in/scripts/machines/$machine/$script" </dev/null >"$work/out/run.log" 2>&1
    fi
}
