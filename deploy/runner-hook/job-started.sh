#!/bin/sh
# A pre-job hook of a self-hosted runner of GitHub Actions: a job does not begin on a machine on which it would fail.
#
# In the runner's .env:  ACTIONS_RUNNER_HOOK_JOB_STARTED=/opt/dind-doctor/job-started.sh
# DOCTOR_FOR says what the jobs start (docker,kind), DOCTOR is where the doctor is. The runner takes an exit code other than 0 for
# a job that failed; only findings do that, not a doctor that is not there or has no time.
set -u
doctor=${DOCTOR:-/usr/bin/doctor}
[ -x "$doctor" ] || { echo "::warning title=dind-doctor::no doctor at $doctor"; exit 0; }
code=0
"$doctor" check --no-config --timeout 10 --for "${DOCTOR_FOR:-docker}" --format github || code=$?
case $code in
    0 | 1) exit "$code" ;;
    *) echo "::warning title=dind-doctor::the doctor could not do its job (exit code $code)"; exit 0 ;;
esac
