"""The environments: each is broken in one way, or in two that come together."""

import dataclasses


@dataclasses.dataclass
class Environment:
    name: str
    what: str
    target: str
    deciding: list
    breaks: str = ":"
    observe: tuple = ("engine",)
    engine: str = "limits privileges network build"
    env: dict = dataclasses.field(default_factory=dict)
    user: bool = False
    machine: bool = False
    outer: str = ""
    options: list = dataclasses.field(default_factory=list)
    command: list = dataclasses.field(default_factory=lambda: ["tini", "--", "sleep", "infinity"])
    mtu: int = 0
    path_mtu: int = 0
    daemon: str = "dockerd"
    daemon_options: str = ""
    asks: tuple = ()
    on_host: object = None

    def after(self, applied):
        """With the variables that the remedies set or take out: the doctor is asked in that shell."""
        env = dict(self.env)
        for line in applied.prelude.splitlines():
            words = line.split()
            for word in words[1:]:
                name, _, value = word.partition("=")
                if words[0] == "unset":
                    env.pop(name, None)
                else:
                    env[name] = value
        return dataclasses.replace(self, env=env)



SLEEPS = "setsid sleep infinity </dev/null >/dev/null 2>&1 & "
DAEMON = (
    "setsid dockerd >/var/log/dockerd.log 2>&1 </dev/null & for i in $(seq 60); do docker info >/dev/null 2>&1 && break; sleep 0.5; done;"
)
NOTHING = "true"


def daemon_json(text):
    return f"cat >/etc/docker/daemon.json <<'END'\n{text}\nEND\n"


def runc(more=""):
    """crun refuses hybrid cgroups, which is an environment of its own."""
    return f"mkdir -p /etc/containers; printf '[engine]\\nruntime = \"runc\"\\n{more}' >/etc/containers/containers.conf"


def rootless(name, what, deciding, breaks, **more):
    return Environment(name, what, "rootless", deciding, f"{runc()}\n{breaks}", ("user", "podman"), user=True, machine=True, **more)


MOST = ["--cap-add=ALL", "--cap-drop=SYS_RESOURCE", "--security-opt=seccomp=unconfined", "--security-opt=systempaths=unconfined"]

ALL = [
    # dockerd does not start.
    Environment("pid-file", "a pid file of dockerd names another living process", "dockerd", ["daemon", "run"],
                SLEEPS + "echo $! >/run/docker.pid"),
    Environment("pid-file-machine", "the same on a machine, which is no container", "dockerd", ["daemon", "run"],
                SLEEPS + "echo $! >/run/docker.pid", machine=True),
    Environment("socket-directory", "a folder is where the socket should be", "dockerd", ["daemon", "run"], "mkdir -p /run/docker.sock"),
    Environment("pid-directory", "a folder is where the pid file should be", "dockerd", ["daemon", "run"], "mkdir -p /run/docker.pid"),
    Environment("key-and-flag", "daemon.json sets what dockerd's command line sets too", "dockerd", ["daemon", "run"],
                daemon_json('{"mtu": 1400, "labels": ["a=b"]}'), daemon_options="--mtu=1400"),
    Environment("json-broken", "daemon.json is no JSON", "dockerd", ["daemon", "run"], daemon_json('{"mtu": 1400,}')),
    Environment("json-unknown-key", "daemon.json has a key that dockerd does not know", "dockerd", ["daemon", "run"],
                daemon_json('{"mtuu": 1400}')),
    Environment("sys-readonly", "/proc/sys is read-only, and forwarding is off", "dockerd", ["daemon", "run"], machine=True, breaks=
                "echo 0 >/proc/sys/net/ipv4/ip_forward; mount --bind /proc/sys /proc/sys; mount -o remount,bind,ro /proc/sys"),
    Environment("no-devices-cgroup", "the devices hierarchy is not mounted", "dockerd", ["daemon", "run"],
                "umount /sys/fs/cgroup/devices; rmdir /sys/fs/cgroup/devices"),
    Environment("no-cgroups", "no cgroup hierarchy is mounted", "dockerd", ["daemon", "run"],
                "umount -R /sys/fs/cgroup"),
    Environment("cgroups-readonly", "/sys/fs/cgroup is read-only", "dockerd", ["daemon", "run"], machine=True, breaks=
                "for i in /sys/fs/cgroup/* /sys/fs/cgroup; do mount -o remount,bind,ro $i; done"),
    Environment("no-iptables", "there is no iptables", "dockerd", ["daemon", "run"], "dpkg -r --force-depends iptables >&2"),
    Environment("no-containerd", "there is no containerd", "dockerd", ["daemon", "run"], "dpkg -r --force-depends containerd >&2"),
    Environment("no-runc", "there is no runc", "dockerd", ["daemon", "run"], "dpkg -r --force-depends runc >&2"),
    Environment("few-pids", "the cgroup may have 20 tasks", "dockerd", ["daemon", "run"], machine=True, breaks="echo 20 >/sys/fs/cgroup/pids/pids.max"),
    # It starts, but what it runs fails.
    Environment("noexec-data-root", "the data root is mounted noexec", "dockerd", ["volume-exec"], machine=True, engine="limits volumes", breaks="mount -o remount,bind,noexec /var/lib/docker"),
    Environment("vfs-key", "daemon.json says vfs, beside other keys", "dockerd", ["copy-on-write"],
                daemon_json('{"storage-driver": "vfs", "labels": ["a=b"]}')),
    Environment("vfs-flag", "dockerd runs with vfs", "dockerd", ["copy-on-write"], DAEMON.replace("dockerd >", "dockerd --storage-driver=vfs >") ,
                daemon_options="--storage-driver=vfs"),
    # The network.
    Environment("mtu-uplink", "the uplink carries 1400", "dockerd", ["bridge-large", "user-network-large"], mtu=1400),
    Environment("mtu-key", "the uplink carries 1400, and daemon.json says 1500 beside other keys", "dockerd", ["bridge-large"],
                daemon_json('{"mtu": 1500, "labels": ["a=b"]}'), mtu=1400),
    Environment("mtu-flag", "the uplink carries 1400, and a daemon runs with --mtu=1500", "dockerd", ["bridge-large"],
                DAEMON.replace("dockerd >", "dockerd --mtu=1500 >"), mtu=1400, daemon_options="--mtu=1500"),
    Environment("mtu-route", "the default route carries 1400", "dockerd", ["bridge-large"],
                "ip route replace default via 192.168.77.1 mtu 1400", path_mtu=1400),
    Environment("mixed-backends", "rules of legacy drop what is forwarded, under the tool of nft", "dockerd", ["bridge-small"],
                "iptables-legacy -A FORWARD -j DROP"),
    Environment("forward-drop-table", "another table of nftables drops what is forwarded", "dockerd", ["bridge-small", "user-network-small"],
                "nft 'table inet guard { chain forward { type filter hook forward priority 0; policy drop; }; }'"),
    Environment("forward-policy", "the policy of FORWARD is DROP, and dockerd makes no rules", "dockerd", ["bridge-small"],
                daemon_json('{"iptables": false}') + "iptables -P FORWARD DROP"),
    Environment("no-masquerade", "dockerd makes no rules", "dockerd", ["bridge-small"], daemon_json('{"iptables": false}')),
    Environment("forward-off", "dockerd is told to leave forwarding, which is off", "dockerd", ["bridge-small"],
                daemon_json('{"ip-forward": false}') + "echo 0 >/proc/sys/net/ipv4/ip_forward"),
    Environment("loopback-resolver", "the name server is at 127.0.0.1 only", "dockerd", ["name"],
                "echo nameserver 127.0.0.1 >/etc/resolv.conf; "
                "setsid python3 /opt/lab/relay.py >/dev/null 2>&1 </dev/null & sleep 1", ("engine", "names")),
    Environment("bip-overlap", "bip in daemon.json lies over the net of a server", "dockerd", ["own-small"],
                daemon_json('{"bip": "192.168.78.1/24", "labels": ["a=b"]}')),
    Environment("pool-overlap", "a pool in daemon.json lies over the net of a server", "dockerd", ["own-small"],
                daemon_json('{"bip": "192.168.64.1/18"}')),
    Environment("legacy-tool", "iptables is the legacy one, beside rules of nft that drop", "dockerd", ["bridge-small"],
                "update-alternatives --set iptables /usr/sbin/iptables-legacy >&2; iptables-nft -A FORWARD -j DROP"),
    # The client.
    Environment("host-nowhere", "DOCKER_HOST names an address where nobody listens, and a daemon answers at the socket", "docker", ["endpoint"],
                f"unset DOCKER_HOST; {DAEMON}", ("client",), env={"DOCKER_HOST": "tcp://127.0.0.1:2375"}, asks=("--active=api",)),
    Environment("host-wrong-socket", "DOCKER_HOST names a socket that is not there", "docker", ["endpoint"],
                f"unset DOCKER_HOST; {DAEMON}", ("client",), env={"DOCKER_HOST": "unix:///run/other.sock"}),
    Environment("context-nowhere", "the Docker context names a socket that is not there", "docker", ["endpoint"],
                f"{DAEMON} docker context create gone --docker host=unix:///run/gone.sock >&2; docker context use gone >&2", ("client",)),
    Environment("context-missing", "DOCKER_CONTEXT names a context that is not there", "docker", ["endpoint"],
                f"unset DOCKER_CONTEXT; {DAEMON}", ("client",), env={"DOCKER_CONTEXT": "gone"}),
    Environment("socket-refused", "the user may not connect to the socket", "docker", ["endpoint"], DAEMON, ("client",), user=True, machine=True),
    Environment("tls-wanted", "DOCKER_TLS_VERIFY is set for a daemon without TLS", "docker", ["endpoint"],
                "unset DOCKER_HOST DOCKER_TLS_VERIFY; " + DAEMON.replace("dockerd >", "dockerd -H unix:///run/docker.sock -H tcp://127.0.0.1:2375 >"),
                ("client",), env={"DOCKER_HOST": "tcp://127.0.0.1:2375", "DOCKER_TLS_VERIFY": "1"}),
    # Podman and rootless engines.
    Environment("crun-hybrid", "crun refuses hybrid cgroups", "podman", ["podman"], NOTHING, ("podman",)),
    Environment("crun-hybrid-user", "crun refuses hybrid cgroups", "rootless", ["podman"], NOTHING, ("user", "podman"), user=True, machine=True),
    Environment("podman-ulimit", "containers.conf asks for more open files than may be given", "podman", ["podman"],
                runc("[containers]\\ndefault_ulimits = [\"nofile=65536:65536\"]\\n"), ("podman",)),
    rootless("no-subids", "the user has no subordinate ids", ["podman"], ": >/etc/subuid; : >/etc/subgid"),
    rootless("no-subgid", "the user has subordinate ids, but no groups", ["podman"], ": >/etc/subgid"),
    rootless("subids-taken", "the user has none, and others have the usual ones", ["podman"],
             "echo ci:100000:65536 >/etc/subuid; cp /etc/subuid /etc/subgid"),
    rootless("subids-few", "the user has 100 subordinate ids", ["podman"], "echo lab:300000:100 >/etc/subuid; cp /etc/subuid /etc/subgid"),
    rootless("nameless", "the user has no name", ["podman"], "sed -i /^lab:/d /etc/passwd /etc/subuid /etc/subgid"),
    rootless("no-newuidmap", "newuidmap is missing", ["podman"], "dpkg -r --force-depends uidmap >&2"),
    rootless("newuidmap-bits", "newuidmap has no set-user-id bit", ["podman"], "chmod u-s /usr/bin/newuidmap /usr/bin/newgidmap"),
    rootless("tun-refused", "the user may not open /dev/net/tun", ["podman"], "chmod 600 /dev/net/tun"),
    rootless("no-slirp4netns", "slirp4netns is missing", ["podman"], "dpkg -r --force-depends slirp4netns >&2"),
    rootless("no-runtime-folder", "XDG_RUNTIME_DIR is not there", ["podman"], "rm -rf /run/user/4242"),
    rootless("runtime-folder-foreign", "XDG_RUNTIME_DIR is another user's", ["podman"], "chown 0:0 /run/user/4242; chmod 700 /run/user/4242"),
    rootless("home-readonly", "the home cannot be written", ["podman"], "chown 0:0 /home/lab; chmod 755 /home/lab"),
    rootless("no-conmon", "conmon is missing", ["podman"], "dpkg -r --force-depends conmon >&2"),
    # Bubblewrap.
    Environment("masked-proc-sandbox", "parts of /proc are hidden", "sandbox", ["sandbox"],
                "mount -t tmpfs -o ro none /proc/scsi; mount --bind /dev/null /proc/kcore; mount --bind /dev/null /proc/timer_list", ("sandbox",), user=True),
    Environment("docker-sandbox", "a container as docker run makes it", "sandbox", ["sandbox", "sandbox-without-proc"], NOTHING, ("sandbox",), outer="docker"),
    Environment("docker-sandbox-proc", "a container without a filter, with the usual masks", "sandbox", ["sandbox"], NOTHING, ("sandbox",),
                outer="docker", options=["--cap-add=SYS_ADMIN", "--security-opt=seccomp=unconfined"]),
    Environment("podman-sandbox", "a container as podman run makes it", "sandbox", ["sandbox"], NOTHING, ("sandbox",), outer="podman"),
    # Containers of podman and of Docker.
    Environment("podman-unprivileged", "a container as podman run makes it", "dockerd", ["daemon", "run"], NOTHING, outer="podman"),
    Environment("podman-sys-admin", "a container that has CAP_SYS_ADMIN only", "dockerd", ["daemon", "run"], NOTHING, outer="podman",
                options=["--cap-add=SYS_ADMIN", "--security-opt=seccomp=unconfined", "--security-opt=unmask=ALL", "-v=/var/lib/docker"]),
    Environment("podman-few-pids", "a privileged one with 25 tasks", "dockerd", ["daemon", "run"], NOTHING, outer="podman",
                options=["--privileged", "--pids-limit=25", "-v=/var/lib/docker"]),
    Environment("podman-shell", "a privileged one whose PID 1 is a shell", "dockerd", ["stop"], NOTHING, outer="podman",
                options=["--privileged", "-v=/var/lib/docker"], command=["sh", "-c", "sleep 3600; true"]),
    Environment("podman-pid-file", "a privileged one with a pid file that is left over", "dockerd", ["daemon", "run"], NOTHING, outer="podman",
                options=["--privileged", "-v=/var/lib/docker"],
                command=["sh", "-c", "sleep 3601 & echo $! >/run/docker.pid; exec tini -- sleep infinity"]),
    Environment("podman-sleep", "a privileged one whose PID 1 is no init", "dockerd", ["orphans"], NOTHING, outer="podman",
                options=["--privileged", "-v=/var/lib/docker"], command=["sleep", "3600"]),
]
