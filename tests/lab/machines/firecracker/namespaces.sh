# shellcheck shell=bash
# namespaces.sh: sourced by run.sh and outcomes.sh. Network, mount and PID namespaces with an uplink, and what runs in them.
# shellcheck disable=SC2016,SC2154 # code in single quotes runs elsewhere; variables come from the driver

# network NAME: a network namespace whose uplink eth0 is a veth with its other end in a second namespace, as a pod's is on
# its node.
network() {
    hold "$1-node"
    hold "$1"
    pair "$1-node" veth "$1"
    inside "$1-node" ip link set veth up
    inside "$1-node" ip address add 10.244.0.1/24 dev veth
    inside "$1" ip link set lo up
    inside "$1" ip link set eth0 up
    inside "$1" ip address add 10.244.0.5/24 dev eth0
    inside "$1" ip route add default via 10.244.0.1
}

# hold NAME: namespaces held by a process. /sys is its own, because sysfs shows the network namespace that it was mounted in,
# and so are the processes: what else happens to run on the machine has no place in a fixture.
hold() {
    unshare --net --mount --pid --fork --kill-child --mount-proc sh -c '
        mkdir -p "$0"
        mount --rbind /sys/fs/cgroup "$0"
        mount -t sysfs sysfs /sys
        mount --rbind "$0" /sys/fs/cgroup
        umount -l "$0"
        exec tini -- sleep infinity' "$WORK/cgroup" &
    echo $! >"$WORK/$1.pid"
    eventually is_held "$1"
}

holder() { pgrep --parent "$(cat "$WORK/$1.pid")"; } # unshare itself only waits for it
is_held() { [ "$(cat "/proc/$(holder "$1")/comm")" = tini ]; }
entering() { read -r -a prefix <<<"nsenter --target $(holder "$1") --net --mount --pid"; }
inside() {
    local prefix
    entering "$1"
    "${prefix[@]}" "${@:2}"
}

# pair NAME LINK OTHER: a veth LINK in NAME whose other end is eth0 in OTHER. Not with `inside`: a process number means
# something else in there.
pair() { nsenter --target "$(holder "$1")" --net ip link add "$2" type veth peer name eth0 netns "$(holder "$3")"; }

release() {
    local name
    for name; do kill "$(holder "$name")"; rm "$WORK/$name.pid"; done
}

# A daemon with everything of its own, in a network namespace of its own. The program is named by its path: a newer
# client elsewhere on the PATH must not be taken.
docker() { /usr/bin/docker --host "unix://$WORK/docker.sock" "$@"; }

start_daemon() {
    network docker
    rm -f "$WORK/exec/pid" # of one that was killed
    inside docker dockerd --data-root "$WORK/data" --host "unix://$WORK/docker.sock" --exec-root "$WORK/exec" \
        --pidfile "$WORK/exec/pid" >"$WORK/dockerd.log" 2>&1 &
    eventually docker info
}

stop_daemon() {
    release docker docker-node # PID 1 of the namespace takes the daemon along
    wait
    rmdir /sys/fs/cgroup/*/docker || : # the daemon leaves its parents behind
}

# A user with subordinate ids, who exists only in a mount namespace: the machine's own /etc stays as it is. Sets prefix.
start_user() {
    local file user="$WORK/user"
    mkdir -p "$user/home" "$user/run"
    for file in passwd group subuid subgid; do cp "/etc/$file" "$user/$file"; done
    echo "lab:x:4242:4242::$user/home:/bin/sh" >>"$user/passwd"
    echo 'lab:x:4242:' >>"$user/group"
    echo 'lab:300000:65536' | tee -a "$user/subuid" >>"$user/subgid"
    chown 4242:4242 "$user/home" "$user/run"
    chmod 700 "$user/run"
    network rootless
    for file in passwd group subuid subgid; do inside rootless mount --bind "$user/$file" "/etc/$file"; done
    entering rootless
    prefix+=(setpriv --reuid 4242 --regid 4242 --clear-groups --inh-caps=-all
        env -i "HOME=$user/home" "XDG_RUNTIME_DIR=$user/run" "PATH=$PATH")
}

# gVisor is packaged from Debian 13 on. Its package list goes into a folder of its own: this machine stays what it is.
fetch_runsc() {
    local place=$CACHE/runsc mirror
    runsc=$place/usr/bin/runsc
    if [ ! -x "$runsc" ]; then
        mkdir -p "$place/lists/partial" "$place/archives/partial"
        mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | head -n 1)
        echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main" >"$place/sources.list"
        local apt=(apt-get -qq -o "Dir::Etc::SourceList=$place/sources.list" -o Dir::Etc::SourceParts=-
            -o "Dir::State::Lists=$place/lists" -o "Dir::Cache=$place" -o APT::Sandbox::User=root)
        "${apt[@]}" update
        (cd "$place" && "${apt[@]}" download runsc && dpkg -x runsc_*.deb .)
    fi
    # shellcheck disable=SC2034 # for record
    other_versions="runsc = \"$(dpkg-deb -f "$place"/runsc_*.deb Version)\""
}

# Whatever an environment that failed has left running.
end_all() {
    local file
    for file in "$WORK"/*.pid; do
        [ ! -e "$file" ] || kill "$(holder "$(basename "$file" .pid)" || cat "$file")"
    done
}
trap end_all EXIT
