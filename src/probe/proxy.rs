//! Proxies of engines that run here.

use std::collections::BTreeMap;

use dind_doctor_checks::facts::{EngineProxy, Engines, Fact, PROXY_VARIABLES, Proxies, Text};

use super::Reader;

/// Engines that pull images for others.
const DAEMONS: [&str; 1] = ["dockerd"];

pub(super) fn probe(reader: &Reader<'_>, engines: &Engines) -> Proxies {
    let daemons = engines.running.as_ref().map(|running| {
        let daemons = running.iter().filter(|engine| DAEMONS.contains(&engine.name.as_str()));
        let proxy = |engine: &dind_doctor_checks::facts::EngineProcess| EngineProxy {
            name: engine.name.clone(),
            pid: engine.pid,
            variables: variables(reader, engine.pid),
        };
        daemons.map(proxy).collect()
    });
    Proxies { daemons }
}

/// Go reads the name in capitals first.
fn variables(reader: &Reader<'_>, pid: u32) -> Fact<BTreeMap<Text, Text>> {
    let small = PROXY_VARIABLES.map(str::to_ascii_lowercase);
    let names: Vec<&str> =
        PROXY_VARIABLES.into_iter().chain(small.iter().map(String::as_str)).collect();
    let by_capitals = |found: BTreeMap<String, String>| {
        let value = |name: &str| {
            let set = |name: &str| found.get(name).filter(|value| !value.is_empty());
            set(name).or_else(|| set(&name.to_ascii_lowercase())).cloned()
        };
        let pairs = PROXY_VARIABLES.into_iter();
        pairs.filter_map(|name| Some((name.into(), value(name)?.into()))).collect()
    };
    Fact::from(reader.variables(Some(pid), &names)).map(by_capitals)
}

#[cfg(test)]
mod tests {
    use dind_doctor_checks::facts::EngineProcess;

    use super::*;
    use crate::source::{ask, fixed::Fixed};

    fn engines() -> Engines {
        let engine = |name: &str, pid| EngineProcess {
            name: name.into(),
            pid,
            arguments: Fact::Known(vec![]),
            same_mount_namespace: Some(true),
        };
        let running = Fact::Known(vec![engine("containerd", 7), engine("dockerd", 8)]);
        Engines { running, ..Engines::default() }
    }

    #[test]
    fn either_case_counts_capitals_first() {
        let names =
            ["HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy"];
        let set = [("HTTPS_PROXY", "http://a"), ("https_proxy", "http://b"), ("no_proxy", "c")];
        let source = names.iter().fold(Fixed::new(), |source, name| {
            let value = set.iter().find(|(known, _)| known == name).map(|(_, v)| (*v).to_owned());
            let question = ask::Variable { pid: Some(8), name: (*name).to_owned() };
            source.answer(question, value)
        });
        let found = probe(&Reader::new(&source), &engines());
        let daemons = found.daemons.known().unwrap();
        assert_eq!(daemons.len(), 1);
        let want = [("HTTPS_PROXY", "http://a"), ("NO_PROXY", "c")];
        let want = want.map(|(name, value)| (Text::from(name), Text::from(value))).into();
        assert_eq!(daemons[0].variables, Fact::Known(want));
    }

    #[test]
    fn an_environment_that_cannot_be_read_is_missing() {
        let found = probe(&Reader::new(&Fixed::new()), &engines());
        assert!(found.daemons.known().unwrap()[0].variables.known().is_none());
        assert!(probe(&Reader::new(&Fixed::new()), &Engines::default()).daemons.known().is_none());
    }
}
