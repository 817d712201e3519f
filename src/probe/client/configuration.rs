//! Docker's contexts and the kubeconfig.

use std::collections::BTreeMap;

use dind_doctor_checks::facts::{DockerContext, Fact, Kubeconfig, Missing, Why};
use serde_json::Value;

use super::{Reader, Variables};
use crate::source::path::encode;

/// Contexts that are looked through.
const CONTEXTS: usize = 64;

/// Files that `KUBECONFIG` may name.
const KUBECONFIGS: usize = 8;

type Read<T> = Result<T, Missing>;

/// The way docker/cli resolves it (`cli/command/cli.go`, `resolveContextName`).
pub(super) fn context(reader: &Reader, variables: &Variables) -> Fact<Option<DockerContext>> {
    selected(reader, variables).into()
}

fn selected(reader: &Reader, variables: &Variables) -> Read<Option<DockerContext>> {
    let directory = variables
        .directory("DOCKER_CONFIG")
        .map_or_else(|| format!("{}/.docker", variables.home()), str::to_owned);
    let (name, selected_by) = if let Some(name) = variables.get("DOCKER_CONTEXT") {
        (name.to_owned(), "DOCKER_CONTEXT".to_owned())
    } else {
        let path = format!("{directory}/config.json");
        let config = optional(reader, &path, &["currentContext"])?;
        (text(&config, &["currentContext"]).unwrap_or_default(), path)
    };
    if name.is_empty() || name == "default" {
        return Ok(None);
    }
    let host = host_of(reader, &format!("{directory}/contexts/meta"), &name);
    Ok(Some(DockerContext {
        name: name.into(),
        selected_by: selected_by.into(),
        host: host.map(Into::into).into(),
    }))
}

/// Directories are named by the digest of the context's name; each says that name itself.
fn host_of(reader: &Reader, directory: &str, name: &str) -> Read<String> {
    let listing = reader.list(&encode(directory.as_bytes()), CONTEXTS)?;
    let mut unreadable = None;
    for entry in &listing.entries {
        let path = format!("{}/{}/meta.json", encode(directory.as_bytes()), entry.name);
        match reader.values(&path, &["Name", "Endpoints/docker/Host"]) {
            Ok(meta) if text(&meta, &["Name"]).as_deref() == Some(name) => {
                let host = text(&meta, &["Endpoints", "docker", "Host"]);
                return host.ok_or_else(|| Missing::new(path, Why::Malformed));
            }
            Ok(_) | Err(Missing { why: Why::NotFound, .. }) => {}
            Err(missing) => unreadable = Some(missing),
        }
    }
    Err(if listing.truncated {
        Missing::new(directory, Why::TooLarge)
    } else {
        unreadable.unwrap_or_else(|| Missing::new(directory, Why::NotFound))
    })
}

/// The first of several files that says something wins (client-go, `clientcmd/loader.go`).
pub(super) fn kubeconfig(reader: &Reader, variables: &Variables) -> Fact<Option<Kubeconfig>> {
    let files: Vec<String> = match variables.get("KUBECONFIG") {
        Some(list) => list.split(':').filter(|p| p.starts_with('/')).map(str::to_owned).collect(),
        None => vec![format!("{}/.kube/config", variables.home())],
    };
    if files.len() > KUBECONFIGS {
        return Fact::missing("KUBECONFIG", Why::TooLarge);
    }
    current(reader, &files).into()
}

fn current(reader: &Reader, files: &[String]) -> Read<Option<Kubeconfig>> {
    const KEYS: [&str; 5] = [
        "current-context",
        "contexts/*/name",
        "contexts/*/context/cluster",
        "clusters/*/name",
        "clusters/*/cluster/server",
    ];
    let mut current = None;
    let mut clusters = BTreeMap::new();
    let mut servers = BTreeMap::new();
    for path in files {
        let config = optional(reader, path, &KEYS)?;
        current = current.or(text(&config, &["current-context"]).filter(|name| !name.is_empty()));
        for (name, cluster) in named(&config, "contexts", &["context", "cluster"]) {
            clusters.entry(name).or_insert(cluster);
        }
        for (name, server) in named(&config, "clusters", &["cluster", "server"]) {
            servers.entry(name).or_insert((path, server));
        }
    }
    let server = current.as_ref().and_then(|name| servers.get(clusters.get(name)?));
    Ok(current.as_ref().zip(server).map(|(context, (path, server))| Kubeconfig {
        path: path.as_str().into(),
        context: context.as_str().into(),
        server: without_user(server).into(),
    }))
}

fn optional(reader: &Reader, path: &str, keys: &[&str]) -> Read<Value> {
    match reader.values(&encode(path.as_bytes()), keys) {
        Err(Missing { why: Why::NotFound, .. }) => Ok(Value::Null),
        other => other,
    }
}

fn text(value: &Value, keys: &[&str]) -> Option<String> {
    let found = keys.iter().try_fold(value, |value, key| value.get(key))?;
    found.as_str().map(str::to_owned)
}

fn named(config: &Value, list: &str, keys: &[&str]) -> Vec<(String, String)> {
    let elements = config.get(list).and_then(Value::as_array);
    let pair = |element: &Value| Some((text(element, &["name"])?, text(element, keys)?));
    elements.into_iter().flatten().filter_map(pair).collect()
}

/// `https://user:password@host` without user and password.
fn without_user(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}
