# shellcheck shell=sh
# client.sh: runs in the environment, with words.sh before it: is there a daemon where the client looks?
try endpoint 30 docker version || :
