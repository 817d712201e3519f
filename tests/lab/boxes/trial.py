"""An environment is made three times: as it is, after the first remedy, and after all that doctor fix writes. Each time the
doctor is asked, and the real thing is started."""

import json
import pathlib
import subprocess
import time

import remedies
from box import HERE, Box

OBSERVERS = HERE.parent / "observe"
PLACE = "/opt/lab"
SCRIPTS = ("words", "remover", "engine", "podman", "sandbox", "user", "client")


class Inside:
    """A box as remedies see it; those with an outer engine are containers in it."""

    outer = None

    def __init__(self, box, environment, binary):
        self.box, self.environment, self.binary = box, environment, binary
        self.host, self.replaced = self, None

    def sh(self, script, user=False, stdin=None, timeout=300):
        return self.box.sh(script, user=user, stdin=stdin, timeout=timeout, env=self.environment.env)

    def doctor(self, words, user, folder=False):
        if user and folder:
            words = [*words[:-1], "/home/lab/fix"]
        return self.box.run(["/opt/doctor", *words], user=user, env={**self.environment.env, "COLUMNS": "10000"})[1]

    def deliver(self, files):
        tar = subprocess.run(["tar", "-C", str(files), "-cf", "-", "."], stdout=subprocess.PIPE, check=True).stdout
        self.sh("mkdir -p /opt && tar -C /opt -xf -", stdin=tar)


def ask(env, target, user):
    said = env.doctor(["check", "--for", target, "--format", "json", "--timeout", "60", *env.environment.asks], user)
    if not said:
        return None, {"readiness": "gone", "errors": [], "warnings": []}
    report = json.loads(said)
    of = next(each for each in report["targets"] if each["target"] == target)
    return report, {"readiness": of["readiness"], "errors": of["blockers"], "warnings": of["degraded_by"]}


def observe(env, environment, applied=None):
    """What works: name to (works, text)."""
    seen = {"worked": [], "failed": {}}
    daemon = applied.daemon if applied and applied.daemon else environment.daemon
    prelude = applied.prelude if applied else ""
    options = environment.daemon_options
    if env.replaced:
        options = options.replace(*env.replaced)
    for name in environment.observe:
        user = environment.user and name in ("user", "podman", "sandbox", "client")
        script = (
            f"{prelude}\nPLACE={PLACE} SERVER=192.168.78.2:8000 TRANSFER=10 DAEMON='{daemon}' DAEMON_OPTIONS='{options}' ENGINE='{environment.engine}'\n"
            f". {PLACE}/words.sh; . {PLACE}/remover.sh; . {PLACE}/{name}.sh"
        )
        _, told = env.sh(script, user=user, timeout=400)
        for line in told.splitlines():
            name, worked, text = (line.split("\t") + ["", ""])[:3]
            if worked == "worked":
                seen["worked"].append(name)
            else:
                seen["failed"][name] = text[:200]
    return seen


def package(folder, binary):
    """What every box gets."""
    place = folder / "lab"
    (place / "build").mkdir(parents=True)
    for name in SCRIPTS:
        (place / f"{name}.sh").write_bytes((OBSERVERS / f"{name}.sh").read_bytes())
    (place / "relay.py").write_bytes((HERE / "relay.py").read_bytes())
    (place / "names.sh").write_bytes((HERE / "names.sh").read_bytes())
    (place / "build" / "Dockerfile").write_text(
        'FROM scratch\nCOPY busybox /busybox\nRUN ["/busybox", "true"]\n', encoding="utf-8")
    subprocess.run(["cp", str(binary), str(folder / "doctor")], check=True)
    subprocess.run(["strip", str(folder / "doctor")], check=False)


IMAGE = """
set -e
root=$(mktemp -d); cd "$root"
mkdir -p usr proc sys dev run root tmp home/other etc var/log var/tmp var/cache var/lib/dpkg
for link in bin sbin lib lib64; do ln -s "usr/$link" "$link"; done
ln -s /run var/run
# For what is built from it; where it runs, this machine's programs lie over these.
mkdir -p usr/bin usr/local/bin
cp /bin/busybox usr/bin/
for name in sh chmod cat mkdir; do ln -s busybox "usr/bin/$name"; done
cp -a /etc/alternatives /etc/nsswitch.conf /etc/passwd /etc/group /etc/subuid /etc/subgid etc/
cp -L /etc/os-release etc/
cp -a /etc/containers etc/
[ ! -e /etc/ld.so.cache ] || cp -a /etc/ld.so.cache etc/
chown 1234:1234 home/other
for name in docker.io containerd runc podman iptables; do dpkg-query -s $name && echo; done >var/lib/dpkg/status
tar -cf /opt/lab/image.tar .
cp /bin/busybox /opt/lab/build/busybox
chmod -R a+rX /opt
"""


class Trial:
    """One environment."""

    def __init__(self, environment, layer, work, binary, log):
        self.environment, self.layer, self.work, self.log = environment, layer, pathlib.Path(work), log
        self.files = self.work / "files"
        if not self.files.exists():
            package(self.files, binary)

    def box(self):
        return Box(self.work / "box", self.layer, self.log, self.environment.machine)

    def enter(self, box):
        """The box, broken."""
        environment = self.environment
        env = Inside(box, environment, None)
        env.deliver(self.files)
        env.sh(IMAGE)
        if environment.mtu:
            box.net(box.init, "ip", "link", "set", "eth0", "mtu", str(environment.mtu))
            box.net(box.router, "ip", "link", "set", "near", "mtu", str(environment.mtu))
        if environment.path_mtu:
            box.net(box.router, "ip", "link", "set", "near", "mtu", str(environment.path_mtu))
        if environment.on_host:
            environment.on_host(box)
        status, _ = env.box.sh(environment.breaks, env=environment.env)
        if status:
            raise RuntimeError(f"{environment.name}: what breaks it ended with {status}")
        if environment.outer:
            import outer

            env = outer.Container(env, environment)
            env.start(environment.options)
        return env

    def run(self):
        environment, target = self.environment, self.environment.target
        result = {"what": environment.what, "target": target, "deciding": environment.deciding}
        begun = time.time()
        with self.box() as box:
            env = self.enter(box)
            _, result["said"] = ask(env, target, environment.user)
            result["before"] = observe(env, environment)
            self.end(env, result["before"])
        with self.box() as box:
            env = self.enter(box)
            applied = remedies.composed(env, target, environment.user)
            result["fix"] = self.after(env, applied)
        with self.box() as box:
            env = self.enter(box)
            report, _ = ask(env, target, environment.user)
            check, remedy, applied = remedies.first(env, report, target, environment.user)
            result["first"] = {"check": check, "remedy": remedy["text"] if remedy else "", **self.after(env, applied)}
        print(f"{time.strftime('%T')} {environment.name} took {time.time() - begun:.0f} s", flush=True)
        return result

    def after(self, env, applied):
        if env.outer:
            env.again(applied)
        if applied.daemon or env.replaced or any("daemon.json" in line for line in applied.done):
            env.sh("pid=$(cat /run/docker.pid 2>/dev/null) && kill $pid && while [ -e /proc/$pid ]; do sleep 0.1; done")
        saved, env.environment = env.environment, env.environment.after(applied)
        seen = observe(env, env.environment, applied)
        # Once the daemon runs: what an entrypoint prepares is prepared then.
        _, said = ask(env, self.environment.target, self.environment.user)
        self.end(env, seen)
        env.environment = saved
        return {**applied.told(), "said": said, "seen": seen}

    @staticmethod
    def end(env, seen):
        if env.outer:
            env.end(seen)
