#!/bin/sh
# What the action does: gets a doctor if none is here, lets it look, and stops the job if it found what stops it.
set -eu
here=$(dirname "$0")
program=${DOCTOR_PROGRAM:-}
if [ -z "$program" ]; then
    program=$RUNNER_TEMP/dind-doctor/bin/doctor
    [ -x "$program" ] || sh "$here/../install.sh" "$RUNNER_TEMP/dind-doctor/bin"
    echo "$RUNNER_TEMP/dind-doctor/bin" >>"$GITHUB_PATH"
fi
results=$RUNNER_TEMP/dind-doctor/results
mkdir -p "$results"

# Words of an input are words, whatever is in them: nothing is expanded.
set -f
# shellcheck disable=SC2086 # that is what splits them
set -- ${DOCTOR_ARGS:-}
set +f
[ -z "${DOCTOR_FOR:-}" ] || set -- "$@" --for "$DOCTOR_FOR"
case ${DOCTOR_FAIL_ON:-error} in
    never) set -- "$@" --exit-zero ;;
    *) set -- "$@" --fail-on "${DOCTOR_FAIL_ON:-error}" ;;
esac
code=0
"$program" check --format github --output "markdown=$GITHUB_STEP_SUMMARY" --output "json=$results/doctor.json" \
    --output "sarif=$results/doctor.sarif" --output "html=$results/doctor.html" "$@" || code=$?
{
    echo "exit-code=$code"
    echo "json=$results/doctor.json"
    echo "sarif=$results/doctor.sarif"
    echo "html=$results/doctor.html"
} >>"$GITHUB_OUTPUT"
exit "$code"
