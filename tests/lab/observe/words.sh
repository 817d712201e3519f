# shellcheck shell=sh
# words.sh: the words in which an observation is reported, sourced by what runs in an environment. One line each on standard
# output: name, `worked` or `failed`, what was seen, with tabs between. What could not be observed, because something that it
# needs did not work, has no line.

# printable: control characters and the colours of programs stay here.
printable() { sed 's/\x1b\[[0-9;]*m//g' | tr '\t\n\r' '   ' | tr -cd ' -~' | cut -c 1-300; }

saw() {
    printf '%s\t%s\t%s\n' "$1" "$2" "$(printf %s "$3" | printable)"
    echo "$(date +%T) $1 $2" >&2 # for the log
}

# try NAME SECONDS COMMAND…: with the last line that it printed; that of an error if there is one.
try() {
    name=$1 seconds=$2
    shift 2
    status=0
    said=$(timeout -k 5 "$seconds" "$@" 2>&1 </dev/null) || status=$?
    last=$(printf '%s\n' "$said" | grep -i -e error -e fail -e denied -e cannot -e refused | tail -n 1)
    [ -n "$last" ] && [ $status != 0 ] || last=$(printf '%s\n' "$said" | grep . | tail -n 1)
    case $status in
    0) saw "$name" worked "$last" ;;
    124 | 137) saw "$name" failed "not within $seconds s. $last"; return 1 ;;
    *) saw "$name" failed "$last"; return 1 ;;
    esac
}

# within SECONDS COMMAND…: until it succeeds.
within() {
    until=$(($(date +%s) + $1))
    shift
    while [ "$(date +%s)" -lt "$until" ]; do
        ! timeout 20 "$@" >/dev/null 2>&1 || return 0
        sleep 1
    done
    return 1
}

# boots SECONDS CONTAINER: whether systemd, the command of the container, gets to its end; prints how far it got.
boots() {
    until=$(($(date +%s) + $1))
    while [ "$(date +%s)" -lt "$until" ] && [ "$(docker inspect --format '{{.State.Running}}' "$2" 2>/dev/null)" = true ]; do
        state=$(timeout 20 docker exec "$2" systemctl is-system-running 2>&1 | tail -n 1)
        case $state in running | degraded) echo "systemd is $state" && return 0 ;; esac
        sleep 2
    done
    echo "systemd is ${state:-gone}: $(docker logs "$2" 2>&1 | grep . | tail -n 1)"
    return 1
}
