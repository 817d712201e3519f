#!/usr/bin/env bash
# Debian 13 in a VM: kernel 6.12, systemd 257, Docker 26.1, podman 5.4.
set -eu
. "$LAB/recording.sh"
. "$LAB/docker.sh"
. "$LAB/generation.sh"

make_image
docker import "$image" lab >/dev/null
environment machine_itself host
environment privileged privileged
environment privileged_host_cgroup_namespace privileged-cgroupns-host
environment dind_prepared dind-prepared
environment dind_healthy dind-healthy
environment podman_rootless rootless-user podman-rootless
