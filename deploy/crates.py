"""What is linked into the doctor: `notices` prints the licences of it, `sbom` a bill of materials (CycloneDX 1.5, JSON).

Read from Cargo.lock through cargo, and from the sources that cargo has fetched. Needs python3 and cargo, no network once
`cargo fetch` has run.
"""

import hashlib
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
TARGET = "x86_64-unknown-linux-gnu"
TEXTS = ("licen", "copying", "notice", "copyright")


def linked():
    """The packages that are linked into the binary, sorted, without ours."""
    command = ["cargo", "metadata", "--format-version=1", "--locked", "--filter-platform", TARGET]
    data = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)
    packages = {package["id"]: package for package in data["packages"]}
    nodes = {node["id"]: node for node in data["resolve"]["nodes"]}
    root = next(i for i, p in packages.items() if p["name"] == "dind-doctor")
    seen, todo = set(), [root]
    while todo:
        here = todo.pop()
        if here in seen:
            continue
        seen.add(here)
        # Neither what only tests use nor what only runs while something is built; a macro leaves nothing of itself.
        for dependency in nodes[here]["deps"]:
            if any(kind["kind"] is None for kind in dependency["dep_kinds"]):
                target = packages[dependency["pkg"]]
                if not any("proc-macro" in t["kind"] for t in target["targets"]):
                    todo.append(dependency["pkg"])
    version = packages[root]["version"]
    repository = packages[root]["repository"]
    found = [packages[i] for i in seen if packages[i]["source"]]
    return version, repository, sorted(found, key=lambda p: (p["name"], p["version"]))


def texts(package):
    folder = pathlib.Path(package["manifest_path"]).parent
    files = [f for f in folder.iterdir() if f.is_file() and f.name.lower().startswith(TEXTS)]
    return [(f.name, f.read_text(errors="replace").strip()) for f in sorted(files)]


def notices():
    version, _, packages = linked()
    print(f"The binary of dind-doctor {version} contains the following works of others.")
    print("They are used under the licences that are printed below; of alternatives, any.\n")
    seen = {}
    for package in packages:
        print(f"{package['name']} {package['version']}  {package['license']}")
        for author in package["authors"]:
            print(f"    {author}")
        for name, text in texts(package):
            seen.setdefault(text, []).append(f"{package['name']} {package['version']}: {name}")
    print("The standard library of Rust  MIT OR Apache-2.0")
    print("The C library of GNU, linked statically  LGPL-2.1-or-later; its source is that of the distribution the")
    print("binary was built on, and with the source of dind-doctor it can be linked again.")
    missing = [p["name"] for p in packages if not texts(p) and p["license"] is None]
    if missing:
        sys.exit(f"no licence is known of: {', '.join(missing)}")
    for text, whose in seen.items():
        print(f"\n{'-' * 100}\n{chr(10).join(whose)}\n\n{text}")


def sbom():
    version, repository, packages = linked()
    checksums = {}
    lock = (ROOT / "Cargo.lock").read_text()
    for block in lock.split("[[package]]")[1:]:
        fields = dict(line.split(" = ", 1) for line in block.strip().splitlines() if " = " in line)
        if "checksum" in fields:
            checksums[fields["name"].strip('"'), fields["version"].strip('"')] = fields["checksum"].strip('"')
    components = [
        {
            "type": "library",
            "bom-ref": f"pkg:cargo/{p['name']}@{p['version']}",
            "name": p["name"],
            "version": p["version"],
            "purl": f"pkg:cargo/{p['name']}@{p['version']}",
            # The older way to write alternatives.
            "licenses": [{"expression": p["license"].replace("/", " OR ")}],
            "hashes": [{"alg": "SHA-256", "content": checksums[p["name"], p["version"]]}],
        }
        for p in packages
    ]
    digest = hashlib.sha256((version + lock).encode()).hexdigest()
    serial = f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-8{digest[17:20]}-{digest[20:32]}"
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": f"pkg:cargo/dind-doctor@{version}",
                "name": "dind-doctor",
                "version": version,
                "purl": f"pkg:cargo/dind-doctor@{version}",
                "licenses": [{"expression": "MIT OR Apache-2.0"}],
                "externalReferences": [{"type": "vcs", "url": repository}],
            }
        },
        "components": components,
        "dependencies": [
            {"ref": f"pkg:cargo/dind-doctor@{version}", "dependsOn": [c["bom-ref"] for c in components]}
        ],
    }
    json.dump(document, sys.stdout, indent=2, sort_keys=True)
    print()


if sys.argv[1:] == ["notices"]:
    notices()
elif sys.argv[1:] == ["sbom"]:
    sbom()
else:
    sys.exit("crates.py notices|sbom")
