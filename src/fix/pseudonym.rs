//! Names and addresses of a redacted bundle are pseudonyms: no artefact holds one.

use std::net::IpAddr;

use super::{ByHand, Given, Traced, compose::Composed};
use dind_doctor_checks::remedy::{ContainerSetting, Place};

/// Beginnings of the names that redaction gives.
const STEMS: [&str; 4] = ["host", "user", "process", "if"];

/// Takes out what holds one, and says where to ask instead.
pub(super) fn take_out(all: &mut Composed, given: &Given<'_>) {
    if !given.redacted {
        return;
    }
    let mut why = Vec::new();
    all.options.retain(|option| keep(option, &option.value.value.to_string(), &mut why));
    all.kind.retain(|tree| keep(tree, &tree.value.to_string(), &mut why));
    all.settings.retain(|setting| {
        let text = match &setting.value {
            ContainerSetting::Variable(_, text)
            | ContainerSetting::Volume(text)
            | ContainerSetting::Tmpfs(text)
            | ContainerSetting::Device(text) => text.as_str(),
            _ => "",
        };
        keep(setting, text, &mut why)
    });
    all.tasks.retain(|task| keep(task, &task.value.1.commands().join("\n"), &mut why));
    for left in &mut all.by_hand {
        left.commands.retain(|command| !holds(command));
    }
    if !why.is_empty() {
        all.by_hand.push(ByHand {
            place: Place::Here,
            text: "run doctor fix on the machine itself, or on a bundle that was made with --no-redact: \
                   this bundle has addresses and names under pseudonyms, and changes that hold one are left out"
                .to_owned(),
            commands: Vec::new(),
            snippet: None,
            why,
        });
    }
}

fn keep<T>(traced: &Traced<T>, text: &str, why: &mut Vec<&'static str>) -> bool {
    let held = holds(text);
    if held {
        why.extend(traced.why.iter().filter(|id| !why.contains(id)).copied().collect::<Vec<_>>());
    }
    !held
}

/// Whether a word of it may be a pseudonym.
pub(super) fn holds(text: &str) -> bool {
    let separates = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '-' | '_'));
    text.split(separates).any(is_one)
}

fn is_one(word: &str) -> bool {
    let is_foreign = |word: &str| {
        let address = word.parse::<IpAddr>();
        address.is_ok_and(|address| !(address.is_loopback() || address.is_unspecified()))
    };
    // An address with colons, or one with a port; a name with what follows it.
    is_foreign(word.trim_matches(':'))
        || word.split(':').any(|part| is_foreign(part) || is_name(part))
}

fn is_name(word: &str) -> bool {
    let number = |stem: &&str| {
        let rest = word.strip_prefix(*stem);
        rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
    };
    let is_id = word.split(['-', '.']).any(|part| {
        part.len() >= 12
            && part.starts_with("000000")
            && part.bytes().all(|b| b.is_ascii_hexdigit())
    });
    is_id || STEMS.iter().any(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_names_of_redaction_are_known() {
        for text in [
            "10.200.0.1/24",
            "[\"10.0.0.2\"]",
            "export DOCKER_HOST=tcp://192.0.2.7:2375",
            "usermod host3",
            "user1:100000:65536",
            "docker-000000000001000000000000.scope",
            "fd00::1",
        ] {
            assert!(holds(text), "{text}");
        }
        for text in [
            "127.0.0.1:2375",
            "0.0.0.0",
            "systemd.unified_cgroup_hierarchy=1",
            "sysctl -w user.max_user_namespaces=65536",
            "/sys/fs/cgroup",
            "net.ipv4.ip_forward=1",
        ] {
            assert!(!holds(text), "{text}");
        }
    }
}
