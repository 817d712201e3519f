"""Carries out, word for word, what the doctor writes and prints. Whatever would have to be guessed is not done, but told."""

import json
import re
import shlex
import tomllib

FIX = "/opt/fix"
# What stands for something that the reader has to find out. IMAGE is what the container is made of now.
PLACEHOLDER = re.compile(r"(?<![\w$/=-])(NAME|ADDRESS|USER|FILE|CONTAINER)(?![\w=])|\$\{?(NAME|CONTAINER(_ID)?|USER)\b|<[a-z]+>")
STARTS = re.compile(r"^(exec )?((unshare|docker-init|setpriv|env)\b.* )?dockerd(\s|$)")


class Applied:
    """What was done, what was left, and what it changes in how things are started."""

    def __init__(self):
        self.done, self.words, self.guesses = [], [], []
        self.options = None  # of docker run or podman run, for a new container
        self.image = None  # its image
        self.daemon = None  # a script that starts dockerd
        self.prelude = ""  # of the shell in which everything else is started

    def told(self):
        open_words = [text for text in self.words if re.search(r"\bADDRESS\b", text)]
        words = [text for text in self.words if text not in open_words]
        return {"done": self.done, "words": words, "guesses": self.guesses + open_words}


def launches(line):
    """The options of a line of docker run or podman run."""
    found = re.match(r"^(docker|podman) run (.*?) ?IMAGE\s*$", line)
    return shlex.split(found.group(2)) if found else None


def commands(applied, lines, env, place, user=False):
    """Pastes lines into a shell, except those that start the container or the daemon."""
    pasted = []
    for line in lines:
        if launches(line) is not None:
            if env.outer:
                applied.options = (applied.options or []) + launches(line)
                applied.done.append(line)
            else:
                applied.words.append(line)
        elif PLACEHOLDER.search(line):
            applied.guesses.append(line)
        elif STARTS.match(line):
            env.sh("cat >/opt/start; chmod 755 /opt/start", stdin=f'#!/bin/sh\n{applied.prelude}{line}\n'.encode())
            applied.daemon = "/opt/start"
            applied.done.append(line)
        elif re.match(r"^(export|unset) ", line):
            applied.prelude += line + "\n"
            applied.done.append(line)
        else:
            pasted.append(line)
    if pasted:
        # What is on the host is on the machine that has made the container.
        where = env.host if place == "host" else env
        status, _ = where.sh(applied.prelude + "\n".join(pasted), user=user)
        applied.done.extend(pasted if status == 0 else [f"{line} (exit status {status})" for line in pasted])


def sections(printed):
    """The headings of doctor fix, each with its text and the lines to paste."""
    found = []
    for line in printed.splitlines():
        if line.startswith("      "):
            if found:
                found[-1][2].append(line[6:])
        elif line.startswith("  ") and found:
            found[-1][1].append(line.strip())
        elif line and not line.startswith((" ", ">", "-")):
            found.append((line, [], []))
    return [(heading, " ".join(text), lines) for heading, text, lines in found]


def composed(env, target, user):
    """doctor fix."""
    applied = Applied()
    env.sh(f"rm -rf {FIX}; mkdir -m 777 -p {FIX}")
    printed = env.doctor(["fix", "--for", target], user)
    env.sh(f"rmdir {FIX}")
    env.doctor(["fix", "--for", target, "--write", f"{FIX}-user" if user else FIX], user, folder=True)
    if user:
        env.sh(f"cp -r /home/lab/fix {FIX} 2>/dev/null")
    _, names = env.sh(f"ls {FIX} 2>/dev/null")
    names = names.split()
    for heading, text, lines in sections(printed):
        name = heading.split()[0]
        if name == "by" or name == "left":
            continue
        if name in names:
            artefact(applied, env, name, text, lines, user, names)
    for heading, text, lines in sections(printed):
        if not heading.startswith("by hand"):
            continue
        place = heading.removeprefix("by hand").strip()
        on_line = re.match(r"^on dockerd's command line, put (\S+) in place of (.*?): it stands there", text)
        if on_line:
            env.replaced = (on_line.group(2), on_line.group(1))
            applied.done.append(text)
        elif lines and "{" not in lines[0]:
            as_user = user and place == "here" and not text.startswith("as root")
            commands(applied, lines, env, "host" if place == "on the host" else place, as_user)
        else:
            applied.words.append(text)
    return applied


def merge_toml(env, path, text, user):
    """Puts keys beside those that a file holds."""
    held = tomllib.loads(env.sh(f"cat {path} 2>/dev/null", user=user)[1])
    for table, keys in tomllib.loads(text).items():
        held.setdefault(table, {}).update(keys)
    lines = []
    for table, keys in held.items():
        lines.append(f"[{table}]")
        lines.extend(f"{key} = {json.dumps(value)}" for key, value in keys.items())
    env.sh(f"mkdir -p $(dirname {path}); cat >{path}", stdin="\n".join(lines).encode() + b"\n", user=user)


def artefact(applied, env, name, text, lines, user, names):
    """One of the files."""
    if name in ("host", "here"):
        where = env.host if name == "host" else env
        where.sh(f"mkdir -p {FIX}")
        if where is not env:
            where.sh(f"cat >{FIX}/{name}", stdin=env.sh(f"cat {FIX}/{name}")[1].encode())
        status, _ = where.sh(f"sh {FIX}/{name}")
        applied.done.append(name if status == 0 else f"{name} (exit status {status})")
    elif name == "daemon.json":
        path = re.search(r"the whole (\S+?),?( |$)", text).group(1)
        if "Dockerfile" not in names or not env.outer:
            env.sh(f"mkdir -p $(dirname {path}); cp {FIX}/{name} {path}")
            applied.done.append(name)
    elif name == "containers.conf":
        path = re.search(r"[~/]\S+containers\.conf", text).group(0)
        merge_toml(env, path, env.sh(f"cat {FIX}/{name}")[1], user)
        applied.done.append(name)
    elif name == "entrypoint":
        if not env.outer:
            applied.daemon = f"{FIX}/entrypoint"
            applied.done.append(name)
    elif name == "Dockerfile":
        if env.outer:
            env.rebuild(applied)
        else:
            # The box is what the image is.
            for line in env.sh(f"cat {FIX}/Dockerfile")[1].replace("\\\n", "").splitlines():
                if line.startswith("RUN ") and "dind-entrypoint" not in line:
                    commands(applied, [line[4:]], env, "image")
                elif line.startswith("ENV "):
                    applied.prelude += "export " + line[4:] + "\n"
    elif name == "run":
        if any(launches(line) is None for line in lines):
            applied.words.append(" ".join(lines))
        commands(applied, [line for line in lines if launches(line) is not None], env, "container")
    else:
        applied.words.append(f"{name}: {text}")


def first(env, report, target, user):
    """The first remedy of what counts most."""
    applied = Applied()
    said = next(of for of in report["targets"] if of["target"] == target)
    order = said["blockers"] + said["degraded_by"]
    if not order:
        return None, None, applied
    check = next(check for check in report["checks"] if check["id"] == order[0])
    rank = {"error": 0, "warning": 1}
    hurting = [finding for finding in check["findings"] if finding["severity"].get(target) in rank]
    hurting.sort(key=lambda finding: rank[finding["severity"][target]])
    if not hurting or not hurting[0]["remedies"]:
        return order[0], None, applied
    remedy = hurting[0]["remedies"][0]
    for step in remedy.get("steps") or [remedy]:
        snippet = step["snippet"]
        # An image is built, and a machine is set up, by root.
        as_user = user and step["where"] == "here" and not step["text"].startswith("as root")
        in_file = snippet and re.search(r"(/\S+\.(json|conf)|~/\S+\.conf)", step["text"])
        if step["commands"]:
            commands(applied, step["commands"], env, step["where"], as_user)
        elif snippet and snippet["language"] == "json" and in_file and "keep its other keys" in step["text"]:
            path = in_file.group(1)
            merged = env.sh(f"cat {path}")[1]
            tree = {**json.loads(merged), **json.loads(snippet["text"])}
            env.sh(f"cat >{path}", stdin=json.dumps(tree).encode())
            applied.done.append(f"merged into {path}")
        elif snippet and snippet["language"] == "toml" and in_file:
            merge_toml(env, in_file.group(1), snippet["text"], user)
            applied.done.append(f"merged into {in_file.group(1)}")
        elif snippet and in_file:
            path = in_file.group(1)
            env.sh(f"mkdir -p $(dirname {path}); cat >{path}", stdin=snippet["text"].encode(), user=user)
            applied.done.append(f"written to {path}")
        else:
            applied.words.append(step["text"])
    return order[0], remedy, applied
