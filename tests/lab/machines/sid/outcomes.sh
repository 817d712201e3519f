#!/usr/bin/env bash
# What every generation is tried with.
set -eu
. "$LAB/subjects.sh"

set_up
every_generation
