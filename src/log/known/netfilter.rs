//! iptables, nftables, firewalld.

use super::{Entry, Table};

pub(super) const TABLE: Table = Table {
    causes: &[
        (
            "failed to find iptables: exec: \"iptables\": executable file not found",
            &["iptables-backend-unusable", "engine-helper-missing"],
        ),
        (
            "failed to find nft: exec: \"nft\": executable file not found",
            &["engine-helper-missing"],
        ),
        ("exec: \"nft\": executable file not found", &["engine-helper-missing"]),
        ("unable to execute nft: No such file or directory", &["engine-helper-missing"]),
        ("unable to execute \"nft\"", &["engine-helper-missing"]),
        ("can't initialize iptables table `…': Permission denied", &["privilege-missing"]),
        ("can't initialize ip6tables table `…': Permission denied", &["privilege-missing"]),
        ("can't initialize iptables table `…': Operation not permitted", &["privilege-missing"]),
        (
            "can't initialize iptables table `…': Table does not exist",
            &["iptables-backend-unusable", "netfilter-extension-missing"],
        ),
        (
            "can't initialize iptables table `raw': Table does not exist",
            &["netfilter-extension-missing", "iptables-backend-unusable"],
        ),
        (
            "can't initialize ip6tables table `…': Table does not exist",
            &["ipv6-gaps", "iptables-backend-unusable"],
        ),
        (
            "can't initialize iptables table `…': iptables who? (do you need to insmod?)",
            &["iptables-backend-unusable"],
        ),
        ("Could not fetch rule set generation id: Permission denied", &["privilege-missing"]),
        ("Could not fetch rule set generation id: Operation not permitted", &["privilege-missing"]),
        (
            "Could not fetch rule set generation id: Invalid argument",
            &["iptables-backend-unusable"],
        ),
        (
            "Could not fetch rule set generation id: ",
            &["iptables-backend-unusable", "privilege-missing"],
        ),
        (
            "Failed to initialize nft: Protocol not supported",
            &["iptables-backend-unusable", "sandboxed-kernel"],
        ),
        (
            "unable to initialize Netlink socket: Protocol not supported",
            &["iptables-backend-unusable", "sandboxed-kernel"],
        ),
        (
            "netlink: Error: cache initialization failed: Protocol not supported",
            &["iptables-backend-unusable", "sandboxed-kernel"],
        ),
        ("cache initialization failed: Operation not permitted", &["privilege-missing"]),
        ("cache initialization failed: Invalid argument", &["iptables-backend-unusable"]),
        ("TABLE_ADD failed (Not supported)", &["iptables-backend-unusable"]),
        ("TABLE_ADD failed (Operation not supported)", &["iptables-backend-unusable"]),
        (
            "CHAIN_ADD failed (No such file or directory)",
            &["iptables-backend-unusable", "netfilter-extension-missing"],
        ),
        (
            "CHAIN_ADD failed (Operation not supported)",
            &["iptables-backend-unusable", "netfilter-extension-missing"],
        ),
        (
            "CHAIN_ADD failed (Device or resource busy)",
            &["iptables-mixed-backends", "iptables-backend-unusable"],
        ),
        (
            "RULE_APPEND failed (No such file or directory)",
            &["netfilter-extension-missing", "iptables-backend-unusable"],
        ),
        (
            "RULE_APPEND failed (Operation not supported)",
            &["netfilter-extension-missing", "iptables-backend-unusable"],
        ),
        (
            "RULE_INSERT failed (No such file or directory)",
            &["netfilter-extension-missing", "iptables-backend-unusable"],
        ),
        ("RULE_INSERT failed (Operation not supported)", &["netfilter-extension-missing"]),
        ("RULE_APPEND failed (Invalid argument)", &["netfilter-extension-missing"]),
        (
            "Warning: Extension … is not supported, missing kernel module?",
            &["netfilter-extension-missing"],
        ),
        (
            "Warning: Extension … revision 0 not supported, missing kernel module?",
            &["netfilter-extension-missing"],
        ),
        (
            "Extension … revision 0 not supported, missing kernel module?",
            &["netfilter-extension-missing"],
        ),
        ("revision 0 not supported, missing kernel module?", &["netfilter-extension-missing"]),
        ("Couldn't load match `…':No such file or directory", &["netfilter-extension-missing"]),
        ("Couldn't load target `…':No such file or directory", &["netfilter-extension-missing"]),
        ("unknown option \"--dst-type\"", &["netfilter-extension-missing"]),
        ("unknown option \"--to-destination\"", &["netfilter-extension-missing"]),
        (
            "failed to ensure that nat chain KIND-MASQ-AGENT jumps to MASQUERADE",
            &["netfilter-extension-missing"],
        ),
        (
            "nftables error: nft did not return successfully while applying ruleset",
            &["netfilter-extension-missing", "iptables-backend-unusable"],
        ),
        (
            "nft did not return successfully",
            &["netfilter-extension-missing", "iptables-backend-unusable"],
        ),
        ("nftables error: unable to execute", &["engine-helper-missing"]),
        (
            "Error: Could not process rule: No such file or directory",
            &["netfilter-extension-missing", "iptables-backend-unusable"],
        ),
        (
            "Error: Could not process rule: Operation not supported",
            &["netfilter-extension-missing", "iptables-backend-unusable"],
        ),
        ("Error: Could not process rule: Operation not permitted", &["privilege-missing"]),
        (
            "Error: Could not process rule: Invalid argument",
            &["netfilter-extension-missing", "kernel-too-old-or-feature-missing"],
        ),
        ("xtables parameter problem", &["netfilter-extension-missing"]),
        ("table `…' is incompatible, use 'nft' tool", &["iptables-mixed-backends"]),
        ("is incompatible, use 'nft' tool", &["iptables-mixed-backends"]),
        (
            "iptables-legacy tables present, use iptables-legacy to see them",
            &["iptables-mixed-backends"],
        ),
        ("iptables-nft tables present", &["iptables-mixed-backends"]),
        ("Unable to enable SKIP DNAT rule", &["forward-drop-or-firewalld"]),
        (
            "iptables: No chain/target/match by that name",
            &[
                "forward-drop-or-firewalld",
                "netfilter-extension-missing",
                "iptables-mixed-backends",
            ],
        ),
        (
            "No chain/target/match by that name",
            &[
                "forward-drop-or-firewalld",
                "netfilter-extension-missing",
                "iptables-mixed-backends",
            ],
        ),
        ("iptables chain FORWARD has policy DROP", &["forward-drop-or-firewalld"]),
        ("FirewallD is not running", &["forward-drop-or-firewalld"]),
        ("ZONE_CONFLICT: …already bound to", &["firewalld-zone-conflict"]),
        ("already bound to a zone", &["firewalld-zone-conflict"]),
        ("INVALID_ZONE: ", &["firewalld-zone-conflict"]),
        ("failed to create NAT chain …operation not permitted", &["privilege-missing"]),
        (
            "failed to create NAT chain …Permission denied (you must be root)",
            &["privilege-missing"],
        ),
        (
            "failed to create NAT chain",
            &["iptables-backend-unusable", "netfilter-extension-missing", "privilege-missing"],
        ),
        (
            "failed to create FILTER chain",
            &["iptables-backend-unusable", "netfilter-extension-missing", "privilege-missing"],
        ),
        (
            "failed to append jump rules to nat-",
            &["netfilter-extension-missing", "iptables-backend-unusable"],
        ),
        (
            "could not open lock file …xtables.lock: Permission denied",
            &["run-tmp-hygiene", "privilege-missing"],
        ),
        ("can't open lock file /run/xtables.lock: …", &["run-tmp-hygiene"]),
        ("Another app is currently holding the xtables lock", &["xtables-lock-held"]),
        (
            "neither iptables nor ip6tables is usable",
            &["iptables-backend-unusable", "engine-helper-missing"],
        ),
        (
            "failed to locate iptables: exec: \"iptables\"",
            &["iptables-backend-unusable", "engine-helper-missing"],
        ),
        (
            "could not initialize iptables protocol",
            &["iptables-backend-unusable", "engine-helper-missing"],
        ),
        (
            "Failed to execute iptables-restore: ",
            &["netfilter-extension-missing", "iptables-backend-unusable"],
        ),
        (
            "iptables-restore: line … failed",
            &["netfilter-extension-missing", "iptables-backend-unusable"],
        ),
        ("iptables-restore: unable to initialize table", &["iptables-backend-unusable"]),
        ("No iptables support for this proto", &["iptables-backend-unusable"]),
        (
            "The configured iptables proxy mode … not supported",
            &["iptables-backend-unusable", "netfilter-extension-missing"],
        ),
        (
            "iptables is not available on this host",
            &["iptables-backend-unusable", "engine-helper-missing"],
        ),
        ("Can't use the IPVS proxier", &["kernel-modules-unloadable"]),
        ("nf_conntrack: table full, dropping packet", &["conntrack-table-full"]),
        ("nf_conntrack: nf_conntrack: table full", &["conntrack-table-full"]),
        (
            "--firewall-backend=nftables is incompatible with swarm mode",
            &["nftables-backend-and-swarm"],
        ),
    ],
    symptoms: &[
        (
            "Error initializing network controller: ",
            &["iptables-backend-unusable", "privilege-missing", "netfilter-extension-missing"],
        ),
        (
            "iptables failed: ",
            &["netfilter-extension-missing", "iptables-backend-unusable", "privilege-missing"],
        ),
    ],
    entries: &[
        Entry {
            id: "firewalld-zone-conflict",
            title: "firewalld has a bridge of Docker in another zone",
            cause: "dockerd wants its bridges in firewalld's zone docker, and one stands in another, or that zone is not there.",
            fix: &[
                "sudo firewall-cmd --get-zone-of-interface=docker0",
                "sudo firewall-cmd --permanent --zone=ZONE --remove-interface=docker0 && sudo firewall-cmd --reload && sudo systemctl restart docker",
            ],
            symptom: false,
        },
        Entry {
            id: "xtables-lock-held",
            title: "Another program holds the lock of iptables",
            cause: "A firewall service, kube-proxy or a second daemon changes rules for a long time, or hangs with the lock on /run/xtables.lock.",
            fix: &[
                "sudo fuser -v /run/xtables.lock  names it",
                "Let each engine have a network namespace of its own, or stop the other one.",
            ],
            symptom: false,
        },
        Entry {
            id: "conntrack-table-full",
            title: "The table of tracked connections is full: packets are lost",
            cause: "More connections are open at the same time than nf_conntrack_max allows, on the whole machine or in this namespace.",
            fix: &["sudo sysctl -w net.netfilter.nf_conntrack_max=262144  on the host"],
            symptom: false,
        },
        Entry {
            id: "nftables-backend-and-swarm",
            title: "dockerd's nftables backend does not go with swarm mode",
            cause: "Swarm's overlay networks still need iptables.",
            fix: &[
                "Remove \"firewall-backend\": \"nftables\" from daemon.json, or: docker swarm leave --force",
            ],
            symptom: false,
        },
    ],
};
