# shellcheck shell=sh
# names.sh: runs in a box after engine.sh, with words.sh before it: whether names are resolved, here and in a container.
! try own-name 20 getent hosts server.example || ! docker info >/dev/null 2>&1 ||
    try name 60 docker run --rm -v /usr:/usr:ro lab getent hosts server.example || :
