"""A container of an engine in a box: what is started anew with other options, and from another image."""

import time

from remedies import FIX

# /usr/local is the image's own.
USR = [f"-v=/usr/{name}:/usr/{name}:ro" for name in ("bin", "sbin", "lib", "lib64", "libexec", "share")]


class Container:
    """Seen as the box is; the box is its host."""

    def __init__(self, host, environment):
        self.host, self.environment, self.box = host, environment, host.box
        self.outer, self.replaced = environment.outer, None
        # crun refuses hybrid cgroups.
        self.engine = ["podman", "--runtime", "runc"] if self.outer == "podman" else [self.outer]
        self.usr = [mount for mount in USR if host.sh(f"test -e {mount[3:].split(':')[0]}")[0] == 0]
        # Where the engine mounts its init.
        host.sh("touch /usr/sbin/docker-init")
        if self.outer == "docker":
            host.sh("setsid dockerd >/var/log/outer.log 2>&1 </dev/null & for i in $(seq 60); do docker info && break; sleep 0.5; done")
        else:
            # For what an image is built with, too.
            host.sh("printf '[engine]\\nruntime = \"runc\"\\n' >/etc/containers/containers.conf")
        status, _ = host.sh(f"{self.outer} import /opt/lab/image.tar lab")
        if status:
            raise RuntimeError(f"{self.outer} does not run in the box")

    def start(self, options, image="lab"):
        command = self.environment.command
        words = [*self.engine, "run", "-d", "--name", "subject", "--hostname", "subject", *self.usr, *options, image, *command]
        self.started = self.box.run(words)[0] == 0
        if not self.started:
            return
        time.sleep(2)  # what its command prepares
        self.deliver()

    def deliver(self):
        words = ["sh", "-c", f"tar -C /opt -cf - doctor lab | {self.outer} exec -i subject sh -c 'mkdir -p /opt; tar -C /opt -xf -'"]
        self.box.run(words)

    def again(self, applied):
        """A new container, if that is prescribed."""
        if applied.options is None and applied.image is None:
            return
        self.box.run([self.outer, "rm", "-f", "-v", "subject"])
        self.start([*self.environment.options, *(applied.options or [])], applied.image or "lab")

    def rebuild(self, applied):
        """The image, by the script that comes with the Dockerfile."""
        self.host.sh(f"rm -rf {FIX}; {self.outer} cp subject:{FIX} {FIX}")
        status, _ = self.host.sh(f"cd {FIX} && ./build lab fixed")
        applied.done.append("Dockerfile, build" if status == 0 else f"build (exit status {status})")
        if status == 0:
            applied.image = "fixed"

    def sh(self, script, user=False, stdin=None, timeout=300):
        return self.run(["sh", "-c", script], user, stdin, timeout)

    def run(self, words, user=False, stdin=None, timeout=300):
        env = {"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "COLUMNS": "10000", **self.environment.env}
        enter = [self.outer, "exec", "-i"]
        if user:
            enter += ["-u", "4242:4242"]
            env.update(HOME="/home/lab", XDG_RUNTIME_DIR="/run/user/4242")
        enter += [f"--env={name}={value}" for name, value in env.items()]
        return self.box.run([*enter, "subject", *words], stdin=stdin if stdin is not None else b"", timeout=timeout)

    def doctor(self, words, user, folder=False):
        if user and folder:
            words = [*words[:-1], "/home/lab/fix"]
        return self.run(["/opt/doctor", *words], user)[1]

    def end(self, seen):
        """What is seen from outside: whether PID 1 reaps, and ends when it is told to."""
        if not self.started:
            seen["failed"]["container"] = "it does not start"
            return
        seen["worked"].append("container")
        self.sh("for i in 1 2 3 4; do (sleep 0.2 &); done; sleep 2")
        left = self.sh("cat /proc/[0-9]*/stat 2>/dev/null | sed 's/.*) //' | grep -c '^Z 1 '")[1].strip()
        saw(seen, "orphans", left in ("", "0"), f"{left} zombies of PID 1")
        begun = time.time()
        self.host.sh(f"{self.outer} stop -t 8 subject")
        saw(seen, "stop", time.time() - begun < 7, "SIGTERM did not end it within 7 s")


def saw(seen, name, works, text):
    if works:
        seen["worked"].append(name)
    else:
        seen["failed"][name] = text
