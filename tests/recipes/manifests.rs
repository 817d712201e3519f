//! The YAML of the recipes: it parses, and says what it has to say.

use std::path::Path;

use yaml_serde::Value;

use crate::recipes;

fn documents() -> Vec<(String, Value)> {
    let is_yaml = |name: &str| {
        Path::new(name)
            .extension()
            .is_some_and(|extension| extension == "yml" || extension == "yaml")
    };
    let files = recipes().into_iter().filter(|(name, _)| is_yaml(name));
    let parts = files.flat_map(|(name, text)| {
        let parts = text.split("\n---\n").map(str::to_owned).collect::<Vec<_>>();
        parts.into_iter().map(move |part| (name.clone(), part))
    });
    parts.map(|(name, text)| (name, yaml_serde::from_str(&text).unwrap())).collect()
}

pub(crate) fn document(name: &str) -> Value {
    documents().into_iter().find(|(path, _)| path.ends_with(name)).unwrap().1
}

/// Every mapping in `value`.
fn mappings(value: &Value) -> Vec<&Value> {
    let mut found = Vec::new();
    match value {
        Value::Mapping(mapping) => {
            found.push(value);
            found.extend(mapping.iter().flat_map(|(_, inner)| mappings(inner)));
        }
        Value::Sequence(sequence) => found.extend(sequence.iter().flat_map(mappings)),
        _ => {}
    }
    found
}

fn strings(value: &Value) -> Vec<String> {
    let items = value.as_sequence().into_iter().flatten();
    items.map(|item| item.as_str().unwrap().to_owned()).collect()
}

fn is_doctor(container: &Value) -> bool {
    container["image"].as_str() == Some("doctor")
}

/// The arguments of every container that is the doctor.
pub(crate) fn calls() -> Vec<(String, Vec<String>)> {
    let documents = documents();
    let of = |(name, document): &(String, Value)| {
        let containers = mappings(document).into_iter().filter(|c| is_doctor(c));
        containers.map(|c| (name.clone(), strings(&c["args"]))).collect::<Vec<_>>()
    };
    let calls: Vec<_> = documents.iter().flat_map(of).collect();
    assert_eq!(calls.len(), 4, "a Job, a DaemonSet, an init container and a step");
    calls
}

#[test]
fn workflows_have_jobs_whose_steps_do_something() {
    let is_workflow = |name: &str| name.contains("workflows") || name.contains("github");
    let workflows: Vec<_> = documents().into_iter().filter(|(n, _)| is_workflow(n)).collect();
    assert_eq!(workflows.len(), 3);
    for (name, workflow) in workflows {
        assert!(workflow["permissions"].is_mapping(), "{name}");
        for (_, job) in workflow["jobs"].as_mapping().unwrap() {
            assert!(job["runs-on"].is_string(), "{name}");
            for step in job["steps"].as_sequence().unwrap() {
                assert!(step["run"].is_string() != step["uses"].is_string(), "{name}: {step:?}");
            }
        }
    }
}

/// A gate that fails has to leave its report.
#[test]
fn reports_are_kept_of_jobs_that_failed() {
    assert_eq!(document("gitlab-ci.yml")["kind"]["artifacts"]["when"], "always");
    let workflow = document("github-actions.yml");
    let steps = workflow["jobs"]["kind"]["steps"].as_sequence().unwrap();
    let gate = steps.iter().position(|s| s["run"].as_str().is_some_and(|r| r.contains("doctor")));
    let upload = steps.iter().position(|s| s["uses"].as_str().is_some_and(|u| u.contains("sarif")));
    assert!(gate.unwrap() < upload.unwrap());
    assert_eq!(steps[upload.unwrap()]["if"], "always()");
}

/// What the doctor sees is what the daemon gets only if both are given the same.
#[test]
fn the_doctor_is_given_what_the_daemon_is_given() {
    let pod = document("kubernetes-init-container.yaml");
    let (doctor, daemon) = (&pod["spec"]["initContainers"][0], &pod["spec"]["containers"][0]);
    let task = document("tekton-task.yaml");
    let (step, cluster) = (&task["spec"]["steps"][0], &task["spec"]["steps"][1]);
    for (doctor, daemon) in [(doctor, daemon), (step, cluster)] {
        assert!(is_doctor(doctor));
        for key in ["securityContext", "volumeMounts"] {
            assert!(!doctor[key].is_null());
            assert_eq!(doctor[key], daemon[key]);
        }
    }
}

/// What it found will not go away by asking again.
#[test]
fn the_job_runs_once() {
    let job = document("kubernetes-job.yaml");
    assert_eq!(job["spec"]["backoffLimit"], 0);
    assert_eq!(job["spec"]["template"]["spec"]["restartPolicy"], "Never");
}
