#!/bin/sh
# Installs the feature; options come as variables. install-release.sh beside it is deploy/install.sh.
set -eu
here=$(dirname "$0")
DOCTOR_VERSION=${VERSION:-0.1.0} DOCTOR_SHA256=${SHA256:-} DOCTOR_BASE_URL=${BASEURL:-} sh "$here/install-release.sh" /usr/local/bin
mkdir -p /usr/local/share/dind-doctor
# Names of targets only: it becomes part of a script.
targets=$(printf %s "${FOR:-}" | tr -cd 'a-z0-9.,=')
cat >/usr/local/share/dind-doctor/started <<END
#!/bin/sh
# Says what will not work here; a dev container that starts is worth more than one that does not.
doctor=/usr/local/bin/doctor
"\$doctor" check --quiet --exit-zero${targets:+ --for $targets}
exit 0
END
chmod 755 /usr/local/share/dind-doctor/started
