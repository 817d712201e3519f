#!/usr/bin/env bash
# What every generation is tried with.
set -eu
. "$LAB/recording.sh"
. "$LAB/docker.sh"
. "$LAB/generation.sh"
. "$LAB/outcomes.sh"
. "$LAB/subjects.sh"

make_image_with_user
make_package
network_outside
docker import "$image" lab >/dev/null
every_generation
