#!/usr/bin/env bash
# vm.sh: what a booted machine runs first (as /lab/run.sh); the driver has put the values into /lab/values.
set -euo pipefail
# shellcheck source=/dev/null
. /lab/values
export LAB=/lab/scripts WORK=/lab OUT=/lab/out DOCTOR=/lab/doctor SAVE_TO=/dev/vdc MACHINE ONLY CAPTURE_OPTIONS

# The emulator's user network: gateway and name server answer, nothing is behind them. No DHCP client is installed.
uplink=$(find /sys/class/net -name 'e*' -printf '%f\n' | head -n 1)
ip link set "$uplink" up
ip address add 10.0.2.15/24 dev "$uplink"
ip route add default via 10.0.2.2
echo 'nameserver 10.0.2.3' >/etc/resolv.conf

# The console shows how far it has come; the log that comes back is of no use while the machine hangs.
bash "$LAB/machines/$MACHINE/$SCRIPT" 2>&1 | tee /dev/console
