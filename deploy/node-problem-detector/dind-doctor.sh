#!/bin/sh
# A custom plug-in of node-problem-detector: 0 no problem, 1 a problem, 2 not known, and one line that says which.
#
# DOCTOR is where the doctor is, DOCTOR_FOR what the pods of this node start.
set -u
doctor=${DOCTOR:-/usr/bin/doctor}
targets=${DOCTOR_FOR:-dockerd,kind}
[ -x "$doctor" ] || { echo "no doctor at $doctor"; exit 2; }
code=0
said=$("$doctor" check --no-config --timeout 20 --for "$targets" --quiet --color never 2>&1) || code=$?
first=$(printf '%s\n' "$said" | sed -n '1s/  */ /gp')
case $code in
    0) echo "nothing stops $targets" ;;
    1) echo "${first:-a finding stops $targets}" ;;
    *) echo "the doctor could not do its job: $first"; exit 2 ;;
esac
exit "$code"
