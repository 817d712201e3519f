use alloc::format;

use serde_json::json;

use crate::{
    facts::Facts,
    outcome::{Finding, Outcome, Verdict},
    plan::Plan,
    remedy::{Language, Place, Remedy, Snippet, Task},
};

check! {
    /// ## What it looks at
    /// Whether this pod has both what makes programs find the cluster that it runs in: the variable
    /// `KUBERNETES_SERVICE_HOST`, and a service account's token below
    /// `/var/run/secrets/kubernetes.io/serviceaccount`.
    ///
    /// ## Why it matters
    /// kubectl and helm without a kubeconfig, and test suites even with one in `~/.kube/config`, take the
    /// in-cluster configuration first (controller-runtime does). What was meant for the nested kind cluster then
    /// runs against the cluster that hosts the job, with whatever rights its service account has.
    ///
    /// ## When it is fine
    /// With `KUBECONFIG` set, which programs prefer. Without a token there is nothing to log in with. A job
    /// that deploys to its own cluster wants just this.
    ///
    /// ## How to fix
    /// In the pod: `automountServiceAccountToken: false` and `enableServiceLinks: false`. In the job: set
    /// `KUBECONFIG`, and unset `KUBERNETES_SERVICE_HOST` (Kubernetes sets it whatever `enableServiceLinks` says).
    ///
    /// ## References
    /// kind issue 303; client-go `rest.InClusterConfig`; controller-runtime `pkg/client/config`;
    /// <https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/>.
    "outer-k8s-leakage",
    "Tools may talk to the outer Kubernetes cluster",
    Client,
    { dockerd: Info, kind: Info },
    []
}

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    facts.runtime.variables.get()?;
    let host = facts.runtime.variable("KUBERNETES_SERVICE_HOST").filter(|host| !host.is_empty());
    let Some(host) = host else {
        return Ok(Outcome::not_applicable("KUBERNETES_SERVICE_HOST is not set"));
    };
    if !*facts.clients.service_account.get()? {
        return Ok(Outcome::pass());
    }
    if facts.clients.kubeconfig_variable {
        return Ok(Outcome::pass());
    }
    Ok(Finding::new(
        "service account",
        CHECK.worst,
        format!("programs without KUBECONFIG find the cluster at {host}, in which this pod runs"),
    )
    .evidence("KUBERNETES_SERVICE_HOST", host)
    .evidence("/var/run/secrets/kubernetes.io/serviceaccount/token", "exists")
    .remedy(Remedy::file(
        Place::Container,
        "give the pod no token, if it needs none",
        Snippet::Tree(
            Language::Yaml,
            json!({"spec": {"automountServiceAccountToken": false, "enableServiceLinks": false}}),
        ),
    ))
    .remedy(Remedy::tasks(
        Place::Here,
        "hide the outer cluster from the job",
        [Task::Environment {
            set: [("KUBECONFIG".into(), "\"$HOME/.kube/config\"".into())].into(),
            unset: ["KUBERNETES_SERVICE_HOST".into()].into(),
        }],
    ))
    .into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{Fact, Fact::Known, Why},
        testing::{healthy_container, healthy_vm},
    };

    fn pod() -> Facts {
        let mut facts = healthy_container();
        facts.runtime.variables =
            Known([("KUBERNETES_SERVICE_HOST".into(), "10.96.0.1".into())].into());
        facts.clients.service_account = Known(true);
        facts
    }

    #[test]
    fn variable_and_token_together_are_found() {
        assert!(matches!(judged(&pod()), Ok(Outcome::Found(_))));
    }

    #[test]
    fn either_alone_is_fine() {
        let mut facts = pod();
        facts.clients.service_account = Known(false);
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
        assert!(matches!(judged(&healthy_container()), Ok(Outcome::NotApplicable(_))));
        assert!(matches!(judged(&healthy_vm()), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn a_kubeconfig_by_variable_comes_first() {
        let mut facts = pod();
        facts.clients.kubeconfig_variable = true;
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
    }

    #[test]
    fn a_token_that_cannot_be_seen_is_unknown() {
        let mut facts = pod();
        facts.clients.service_account = Fact::missing("token", Why::NotPermitted);
        assert!(judged(&facts).is_err());
    }
}
