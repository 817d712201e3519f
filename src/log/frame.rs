//! Lines that are no message: stack frames of Go, and the help that programs add to an error.

/// What kubeadm, kind and others print after an error, whatever it was.
const HELP: [&str; 14] = [
    "unfortunately, an error has occurred",
    "this error is likely caused by",
    "the kubelet is not running",
    "the kubelet is unhealthy due to a misconfiguration",
    "if you are on a systemd-powered system, you can try to troubleshoot the error",
    "additionally, a control plane component may have crashed",
    "to troubleshoot, list all containers using your preferred container runtimes cli",
    "once you have found the failing container, you can inspect its logs",
    "to see the stack trace of this error execute with --v=5 or higher",
    "see docker run --help",
    "run docker run --help for more information",
    "stack trace: ",
    "- crictl --runtime-endpoint",
    "goroutine 1 [running]",
];

/// Whether the line, as people read it, is one.
pub(super) fn is_frame(text: &str) -> bool {
    is_function(text) || is_position(text) || is_help(text)
}

fn is_help(text: &str) -> bool {
    let plain: String = text
        .trim_start_matches(['-', ' ', '\t'])
        .chars()
        .filter(|c| !matches!(c, '\'' | '"' | '`'))
        .collect::<String>()
        .to_lowercase();
    // As headings they stand on a line of their own; an error may follow in the same line.
    HELP.iter().any(|help| plain.starts_with(help) && plain.len() < help.len() + 100)
}

/// `sigs.k8s.io/kind/pkg/errors.WithStack`, `main.main()`, `net/http.(*conn).serve(0xc000…)`.
fn is_function(text: &str) -> bool {
    let arguments = text.strip_suffix(')').and_then(|text| text.rsplit_once('('));
    let name = arguments.map_or(text, |(name, _)| name);
    let words = name.split(' ').count() == 1;
    let last = name.rsplit('/').next().unwrap_or_default();
    words
        && last.contains('.')
        && !text.contains(": ")
        && !text.ends_with(':')
        && {
            let package = last.split('.').next().unwrap_or_default();
            let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
            !package.is_empty() && package.chars().all(is_word) && !is_file(last)
        }
        && (text.contains('/')
            || text.ends_with(')')
            || text.starts_with("main.")
            || text.starts_with("runtime."))
}

/// `/go/src/…/errors.go:59 +0x1d`.
fn is_position(text: &str) -> bool {
    let mut words = text.split(' ');
    let first = words.next().unwrap_or_default();
    let Some((_, number)) = first.rsplit_once(".go:").or_else(|| first.rsplit_once(".s:")) else {
        return false;
    };
    let rest_is_offset = words.next().is_none_or(|word| word.starts_with("+0x"));
    !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) && rest_is_offset
}

fn is_file(name: &str) -> bool {
    [".log", ".json", ".yaml", ".yml", ".conf", ".go", ".sock", ".service"]
        .iter()
        .any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_and_help_are_no_messages() {
        for line in [
            "sigs.k8s.io/kind/pkg/errors.WithStack",
            "sigs.k8s.io/kind/pkg/exec.(*LocalCmd).Run",
            "/home/prow/go/src/sigs.k8s.io/kind/pkg/errors/errors.go:59",
            "k8s.io/kubernetes/cmd/kubeadm/app/cmd/phases/workflow.(*Runner).Run.func1",
            "cmd/kubeadm/app/cmd/phases/workflow/runner.go:262",
            "runtime.goexit",
            "main.main()",
            "runtime/asm_amd64.s:1700",
            "github.com/docker/docker/daemon.(*Daemon).handleError(0xc0001, 0x2)",
            "/usr/src/errors.go:12 +0x1d",
            "- The kubelet is unhealthy due to a misconfiguration of the node in some way (required cgroups disabled)",
            "Unfortunately, an error has occurred:",
        ] {
            assert!(is_frame(line), "{line}");
        }
    }

    #[test]
    fn messages_are_no_frames() {
        for line in [
            "ERROR: failed to create cluster: failed to init node with kubeadm",
            "error: odd",
            "failed",
            "/etc/docker/daemon.json: permission denied",
            "open /a/b.c: no such file or directory",
            "E1122 19:01:02.345678 1 server.go:274] failed",
            "",
        ] {
            assert!(!is_frame(line), "{line}");
        }
    }
}
