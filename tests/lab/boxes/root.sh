#!/bin/sh
# root.sh FOLDER LAYER: runs first in the namespaces of a box, makes its root and becomes its PID 1. The box has this machine's
# files and, in a layer over them, engines; what it writes goes into FOLDER. FOLDER/data is on a file system of its own kind.
set -eu
folder=$1 layer=$2
hostname box
mount --make-rprivate /
mkdir -p "$folder/upper" "$folder/overlay" "$folder/root" "$folder/data" "$folder/containers" "$folder/containerd" "$folder/home"
root=$folder/root
# Two, since a layer below / cannot be one beside it.
mount -t overlay overlay -o "lowerdir=/,upperdir=$layer/up,workdir=$layer/work" "$layer/root"
mount -t overlay overlay -o "lowerdir=$layer/root,upperdir=$folder/upper,workdir=$folder/overlay" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount -t tmpfs -o mode=755 cgroup "$root/sys/fs/cgroup"
while read -r _ _ _ _ place more; do
    case $more in *" - cgroup "* | *" - cgroup2 "*) ;; *) continue ;; esac
    case $place in /sys/fs/cgroup/*) ;; *) continue ;; esac
    name=${place#/sys/fs/cgroup/}
    mkdir "$root/sys/fs/cgroup/$name"
    case $name in
    unified) mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup/$name" ;;
    systemd) mount -t cgroup -o none,name=systemd cgroup "$root/sys/fs/cgroup/$name" ;;
    *) mount -t cgroup -o "$name" cgroup "$root/sys/fs/cgroup/$name" ;;
    esac
done </proc/self/mountinfo
mount -t tmpfs -o mode=755 dev "$root/dev"
while read -r name kind major minor mode; do
    mknod -m "$mode" "$root/dev/$name" "$kind" "$major" "$minor"
done <<'NODES'
null c 1 3 666
zero c 1 5 666
full c 1 7 666
random c 1 8 666
urandom c 1 9 666
tty c 5 0 666
kmsg c 1 11 600
fuse c 10 229 666
NODES
mkdir "$root/dev/net" "$root/dev/pts" "$root/dev/shm" "$root/dev/mqueue"
mknod -m 666 "$root/dev/net/tun" c 10 200
mount -t devpts -o newinstance,ptmxmode=666,mode=620 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
mount -t mqueue mqueue "$root/dev/mqueue"
for name in run tmp root usr/local mnt opt; do
    mkdir -p "$root/$name"
    mount -t tmpfs -o mode=755 "$(basename "$name")" "$root/$name"
done
chmod 1777 "$root/tmp"
mkdir -p "$root/run/lock" "$root/var/lib/docker" "$root/srv/debs"
mount --bind "$folder/data" "$root/var/lib/docker"
mkdir -p "$root/var/lib/containers" "$root/var/lib/containerd"
mount --bind "$folder/containerd" "$root/var/lib/containerd"
mount --bind "$folder/containers" "$root/var/lib/containers"
mount --bind "$folder/home" "$root/home"
mount --bind "$layer/debs" "$root/srv/debs"
# The script asks for more open files than this machine may have, which is a fault of its own.
rm -rf "$root/etc/docker" "$root/.dockerenv" "$root/etc/init.d/docker"
mkdir -p "$root/etc/docker"
# Packages come from a folder; no other source is within reach.
rm -f "$root"/etc/apt/sources.list "$root"/etc/apt/sources.list.d/* "$root"/etc/apt/apt.conf.d/*
rm -rf "$root"/var/lib/apt/lists/*
echo 'deb [trusted=yes] file:/srv/debs ./' >"$root/etc/apt/sources.list"
printf '127.0.0.1 localhost box\n' >"$root/etc/hosts"
echo 'nameserver 192.168.78.2' >"$root/etc/resolv.conf.new"
mv -f "$root/etc/resolv.conf.new" "$root/etc/resolv.conf"
for file in passwd group shadow gshadow subuid subgid; do
    sed -i '/^lab:/d; /^[^:]*:[^:]*:4242:/d' "$root/etc/$file"
done
echo 'lab:x:4242:4242::/home/lab:/bin/sh' >>"$root/etc/passwd"
echo 'lab:x:4242:' >>"$root/etc/group"
printf '' >"$root/etc/subuid"
echo 'lab:300000:65536' | tee "$root/etc/subuid" >"$root/etc/subgid"
mkdir -p "$root/home/lab" "$root/run/user/4242"
chown 4242:4242 "$root/home/lab" "$root/run/user/4242"
chmod 700 "$root/run/user/4242"
touch "$root/run/box-is-made"
cd "$root"
mkdir -p .old
pivot_root . .old
umount -l /.old
rmdir /.old
# What has been made is seen by what is made in it, as systemd has it on a machine.
mount --make-rshared /
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root tini -- sleep infinity
