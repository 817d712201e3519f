"""Compares two JSON reports: what the second, of a run in which something failed, says that the first does not.

The same rule as in tests/faults/oracle.rs: a verdict stays as it is, or becomes unknown.
"""

import json
import sys

RANK = {"info": 1, "warning": 2, "error": 3}


def load(path):
    with open(path, encoding="utf-8") as file:
        return {check["id"]: check for check in json.load(file)["checks"]}


def findings(check):
    return {finding["subject"]: finding["severity"] for finding in check["findings"]}


def least(now, before):
    return all(RANK[severity] <= RANK.get(before.get(target), 0) for target, severity in now.items())


def may_become(before, now):
    status = now["status"]
    if status == "unknown":
        return True
    if status in ("pass", "not-applicable"):
        return status == before["status"]
    if status != "finding" or before["status"] != "finding":
        return False
    told, known = findings(now), findings(before)
    if any(subject not in known or not least(now_, known[subject]) for subject, now_ in told.items()):
        return False
    return told == known or bool(now["missing"])


def main():
    before, now = load(sys.argv[1]), load(sys.argv[2])
    excused = set(sys.argv[3:])
    lies = [
        f"{id}: {before[id]['status']} {findings(before[id])} -> {check['status']} {findings(check)}"
        for id, check in now.items()
        if id not in excused and not may_become(before[id], check)
    ]
    print("\n".join(lies))
    sys.exit(bool(lies))


main()
