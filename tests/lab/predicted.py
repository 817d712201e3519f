"""predicted.py PASSIVE ACTIVE: of two reports of the doctor, what can be held against reality: per run and check the status, the
proof and its findings with their severity per target, and per target the readiness."""

import json
import sys


def predicted(path):
    with open(path, encoding="utf-8") as report:
        report = json.load(report)
    return {
        "readiness": {target["target"]: target["readiness"] for target in report["targets"]},
        "checks": {
            check["id"]: {
                "status": check["status"],
                "proof": check["proof"],
                "findings": [{"says": one["summary"], "severity": one["severity"]} for one in check["findings"]],
            }
            for check in report["checks"]
        },
    }


passive, active = map(predicted, sys.argv[1:3])
json.dump({"passive": passive, "active": active}, sys.stdout, indent=1, sort_keys=True)
print()
