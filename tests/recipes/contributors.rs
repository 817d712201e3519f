//! What contributors meet: links that lead somewhere, forms that ask for what helps, a task that makes a check.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use pulldown_cmark::{Event, Parser, Tag};

use crate::{files, root};

/// Pages that people read, and those that the site has.
fn pages() -> Vec<PathBuf> {
    let top = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path());
    let folders =
        ["docs", "fixtures/outcomes", "fixtures/reports", "tests/lab", "tests/fuzz", "checks"];
    let below = folders.into_iter().flat_map(|folder| {
        let entries = fs::read_dir(root().join(folder)).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect::<Vec<_>>()
    });
    let is_page = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "md");
    top.chain(below).filter(is_page).collect()
}

#[test]
fn every_link_between_pages_leads_to_a_file() {
    let mut links = 0;
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for event in Parser::new(&text) {
            let Event::Start(Tag::Link { dest_url, .. }) = event else { continue };
            let target = dest_url.split('#').next().unwrap_or_default();
            if target.is_empty() || target.contains(':') {
                continue;
            }
            links += 1;
            let there = page.parent().unwrap().join(target);
            assert!(there.exists(), "{}: {dest_url}", page.display());
        }
    }
    assert!(links > 40, "{links}");
}

/// What is on no menu nobody finds.
#[test]
fn the_site_has_every_page_of_the_documentation() {
    let menu = fs::read_to_string(root().join("docs/site/site.py")).unwrap();
    for page in files(&root().join("docs")) {
        let name = page.strip_prefix(root()).unwrap().display().to_string();
        let is_page = Path::new(&name).extension().is_some_and(|extension| extension == "md");
        assert!(!is_page || menu.contains(&format!("\"{name}\"")), "{name}");
    }
}

#[test]
fn every_form_asks_for_the_report() {
    let forms = files(&root().join(".github/ISSUE_TEMPLATE"));
    let forms = forms.into_iter().filter(|form| !form.ends_with("config.yml"));
    let mut ids = BTreeSet::new();
    for form in forms {
        let text = fs::read_to_string(&form).unwrap();
        let form: yaml_serde::Value = yaml_serde::from_str(&text).unwrap();
        let fields = form["body"].as_sequence().unwrap();
        let report = fields.iter().find(|field| field["id"].as_str() == Some("report")).unwrap();
        let asked = report["attributes"]["description"].as_str().unwrap();
        assert!(asked.contains("`doctor report`"), "{asked}");
        ids.insert(form["name"].as_str().unwrap().to_owned());
    }
    assert_eq!(ids.len(), 3);
}

#[test]
fn a_check_is_made_with_its_two_lines() {
    let folder = tempfile::tempdir().unwrap();
    for area in ["kubernetes", "time"] {
        let place = folder.path().join("checks/src").join(area);
        fs::create_dir_all(&place).unwrap();
        fs::copy(root().join("checks/src").join(area).join("mod.rs"), place.join("mod.rs"))
            .unwrap();
    }
    let make = |area: &str, id: &str| {
        let mut command = Command::new(root().join(".ci/do"));
        command.args(["new-check", area, id]).env("DOCTOR_ROOT", folder.path());
        command.output().unwrap().status.code()
    };
    for area in ["kubernetes", "time"] {
        let id = format!("{area}-is-wrong");
        assert_eq!(make(area, &id), Some(0));
        let read = |file: &str| {
            fs::read_to_string(folder.path().join("checks/src").join(area).join(file)).unwrap()
        };
        let file = id.replace('-', "_");
        assert!(read(&format!("{file}.rs")).contains(&format!("\"{id}\",")));
        let table = read("mod.rs");
        assert_eq!(table.matches(&format!("mod {file};\n")).count(), 1, "{table}");
        assert_eq!(table.matches(&format!("&{file}::CHECK")).count(), 1, "{table}");
        assert!(table.trim_end().ends_with("];"), "{table}");
        assert_eq!(make(area, &id), Some(2), "an id is there once");
    }
    assert_eq!(make("kubernetes", "No Id"), Some(2));
    assert_eq!(make("no-such-area", "an-id"), Some(2));
}
