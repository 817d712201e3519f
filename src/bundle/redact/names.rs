//! Names that belong to software and not to anybody: they stay.

/// Programs that checks tell apart, and those that are in everybody's process list.
const PROGRAMS: &str = "\
    init tini tini-static docker-init podman-init dumb-init catatonit s6-svscan s6-overlay-suexec \
    s6-linux-init s6-rc-init s6-supervise s6-init runit runit-init runsv runsvdir runsvdir-start \
    openrc-init finit sysvinit busybox my_init supervisord supervisor pid1 rinit minit gosu \
    su-exec setpriv krun rc openrc openrc-run procd launchd dinit init-freedom tinit go-init \
    container-init vmtoolsd kata-agent envoy pilot-agent sysbox-fs sysbox-mgr sysbox-runc \
    entrypoint entrypoint.sh docker-entrypoint.sh docker-entrypoint systemd systemd-journald \
    systemd-journal systemd-udevd systemd-logind systemd-networkd systemd-network systemd-resolved \
    systemd-resolve systemd-nspawn systemd-timesyncd systemd-timesyn systemd-oomd systemd-userdbd \
    (sd-pam) sd-pam dbus-daemon dbus-broker agetty login cron crond rsyslogd sshd polkitd sh bash \
    dash ash zsh ksh mksh fish csh tcsh pwsh rbash su sudo sleep tail cat env nohup timeout \
    unshare nsenter chroot newuidmap newgidmap xargs python python3 node java ruby perl php make \
    git doctor dind-doctor true false top ps strace gdb dockerd docker docker-proxy \
    dockerd-rootless dockerd-rootless.sh docker-compose dockerd-entrypoint.sh dockerd-entrypoin \
    dockerd-entrypo dind rootlesskit rootlesskit-docker-proxy slirp4netns pasta pasta.avx2 vpnkit \
    passt gvproxy containerd containerd-shim containerd-shim-runc-v1 containerd-shim-runc-v2 \
    containerd-rootless containerd-rootless.sh containerd-stargz-grpc \
    containerd-fuse-overlayfs-grpc runc crun youki runsc runsc-sandbox runsc-gofer exe conmon \
    conmonrs podman podman.orig buildah skopeo netavark aardvark-dns fuse-overlayfs squashfuse \
    buildkitd buildkit-runc buildctl buildctl-daemonless.sh buildx nerdctl ctr crio cri-o \
    crio-conmon cri-dockerd dockershim kubelet hyperkube kubeadm kubectl kube-apiserver \
    kube-controller kube-controller-manager kube-scheduler kube-proxy etcd coredns kindnetd \
    local-path-prov local-path-provisioner flanneld calico-node cilium-agent cilium-envoy \
    cilium-operator pause kind k3d k3d-entrypoint.sh k3s k3s-server k3s-agent k0s rke2 minikube \
    microk8s snapd lxd lxc lxcfs incusd incus lxc-start create-kubelet-cgroup-v2.sh \
    fuse-overlayfs-snapshotter metrics-server traefik server gitlab-runner gitlab-runner-helper \
    gitlab-runner-build gitlab-runner-h Runner.Listener Runner.Worker Runner.Listene run.sh \
    run-helper.sh runsvc.sh RunnerService.js startup.sh jenkins-agent agent daemon worker iptables \
    ip6tables iptables-nft iptables-legacy ip6tables-nft ip6tables-legacy xtables-nft-multi \
    xtables-legacy-multi xtables-multi nft ip modprobe mount kthreadd qemu-ga hv_kvp_daemon WSL \
    wslservice plan9";

/// Interpreters carry their version in their name.
const VERSIONED: &[&str] =
    &["python", "python3.", "ruby", "perl", "perl5.", "php", "php-fpm", "node", "lua"];

/// Beginnings of the names of kernel threads.
const THREADS: &str = "\
    kworker/ ksoftirqd/ migration/ cpuhp/ rcu_ rcuc/ rcub/ rcuop/ rcuog/ idle_inject/ irq/ jbd2/ ext4- \
    xfs- xfs_ scsi_ kdevtmpfs kauditd khungtaskd khugepaged kcompactd kswapd ksmd oom_reaper \
    pool_workqueue_ kthrotld kblockd watchdogd netns";

/// Accounts of images and runners.
const ACCOUNTS: &str = "\
    root rootless user runner vscode ubuntu debian alpine admin build builder buildkit podman node \
    gitpod coder codespace codespaces git jenkins gitlab-runner gradle docker dockremap containers \
    nobody ec2-user core vagrant linuxbrew circleci nonroot app jovyan kubernetes lxd";

/// Hosts that everybody has.
const HOSTS: &str = "\
    localhost localhost.localdomain docker dind docker-dind host.docker.internal \
    gateway.docker.internal kubernetes kubernetes.default kubernetes.default.svc \
    kubernetes.default.svc.cluster.local buildkitd buildkit podman host.containers.internal svc \
    cluster.local svc.cluster.local internal local localdomain docker.internal \
    metadata.google.internal ip6-localhost ip6-loopback";

/// Words of paths, options and keys that a host could be called, too. Replacing them would change what
/// the kernel and the engines say, and they tell nothing about a host.
const WORDS: &str = "\
    redacted access address aufs backend bin bind bip boot bpf bridge btrfs cache cgroup cgroup2 cgroupfs \
    cifs com common config container containers context control controller cpu cpuacct cpuset data \
    data-root debugfs default dev device devices devpts devtmpfs disk dns domain driver enforce \
    ens eth etc exec exec-root exec-opt ext4 false features file fixed-cidr freezer fuse graph \
    group home host hosts hostname hugetlb image images index initial inode ipv4 ipv6 kernel \
    kubepods burstable besteffort guaranteed lib lib64 link linux log lower lowerdir machine main \
    master max media memory merged metacopy misc mnt mode module modules mount mqueue mtu name \
    native net net_cls net_prio netns network nfs nodev noexec none nosuid ns nsdelegate off \
    openrc opt options overlay overlay2 overlayfs parent path perf_event pid pids pod pods private \
    proc proxy pts rdma relatime remote resolv root rootfs run runtime sbin scope secrets security \
    service services session shared shm size slice snapshots snapshotter socket source srv stat \
    state static status storage storage-driver sys sysfs system task tasks temp test threaded tmp \
    tmpfs true unbindable unified unconfined upper upperdir usr var vfs virtual virtiofs volume \
    volumes work workdir workspace xattr xfs zfs userxattr";

/// Whether `name` is one of the words of `list`.
pub(super) fn listed(list: &str, name: &str) -> bool {
    list.split_ascii_whitespace().any(|word| word == name)
}

/// Whether a program of this name, or of this name cut to the 15 bytes of `comm`, is well known.
pub(super) fn is_program(name: &str) -> bool {
    let versioned = |stem: &&str| {
        name.strip_prefix(*stem).is_some_and(|rest| {
            rest.bytes().all(|b| b.is_ascii_digit() || b == b'.') && rest.len() <= 5
        })
    };
    let cut = |program: &str| program.get(..15) == Some(name);
    listed(PROGRAMS, name)
        || PROGRAMS.split_ascii_whitespace().any(cut)
        || VERSIONED.iter().any(versioned)
        || THREADS.split_ascii_whitespace().any(|thread| name.starts_with(thread))
}

/// Whether an account of this name comes with an image.
pub(super) fn is_account(name: &str) -> bool {
    listed(ACCOUNTS, name)
}

/// Whether a host of this name is everybody's.
pub(super) fn is_host(name: &str) -> bool {
    listed(HOSTS, name)
}

/// Whether this word has a meaning of its own in what is recorded.
pub(super) fn is_word(name: &str) -> bool {
    listed(WORDS, name) || is_program(name) || is_account(name) || is_host(name)
}
