//! What the trial of a path says of the MTUs of containers.

use alloc::{format, string::String, vec::Vec};

use super::path::{self, PathMtu};
use crate::{
    facts::{Action, Download, Facts, PathLearned, Trial},
    outcome::{Finding, Outcome, Source},
    target::Severity,
};

/// Larger frames than these are for loopback and user space.
const JUMBO: u32 = 9216;

/// MTUs that the trial announces in turn: that of the way out, with which every other one is compared, and
/// those of containers that are larger. Empty if there is no way out.
pub fn mtus_to_try(facts: &Facts) -> Vec<u32> {
    let Ok(Some(own)) = path::read(facts) else { return Vec::new() };
    let own = own.mtu.min(JUMBO);
    let mut mtus: Vec<u32> = inner(facts).into_iter().filter(|mtu| *mtu > own).collect();
    mtus.push(own);
    mtus.sort_unstable();
    mtus.dedup();
    mtus
}

/// MTUs that containers have, or would get from a daemon that is started here.
fn inner(facts: &Facts) -> Vec<u32> {
    let or_default = |mtu: Option<u32>| mtu.unwrap_or(path::DEFAULT);
    let configured = [path::daemon_mtu(facts), path::user_network_mtu(facts)];
    let configured = configured.into_iter().map(|c| or_default(c.ok().flatten().map(|c| c.mtu)));
    let ports = path::container_bridges(facts).map(|(_, port)| port.mtu);
    configured.chain(ports).filter(|mtu| *mtu <= JUMBO).collect()
}

/// What was found to carry less than was read: packets of that size went out, or came in.
pub(super) fn narrower(facts: &Facts, read: u32) -> Option<PathMtu> {
    let (trial, path) = facts.trials.path()?;
    let outward = path.outward.filter(|mtu| *mtu < read).map(|mtu| PathMtu {
        mtu,
        source: source(trial, Action::ProbePath),
        value: format!("{mtu}, while the uplink and its route have {read}"),
    });
    let inward = path.inward().filter(|mtu| *mtu < read && path.stalls(read));
    let inward = inward.and_then(|mtu| {
        Some(PathMtu {
            mtu,
            source: source(trial, Action::Download),
            value: said(path, path.announcing(read)?),
        })
    });
    outward.into_iter().chain(inward).min_by_key(|path| path.mtu)
}

/// The finding that containers have this MTU, by what a download that announced it did: none if whole
/// packets came.
pub(super) fn weighed(facts: &Facts, mtu: u32, mut finding: Finding) -> Option<Finding> {
    let Some((trial, path)) = facts.trials.path() else { return Some(finding) };
    let Some(download) = path.announcing(mtu) else { return Some(finding) };
    let fits = !download.stalled && download.is_full_size();
    if fits {
        return None;
    }
    // A short answer, or a target that does not fill what the path carries, tells nothing.
    let carried = path.inward().max(path.outward);
    let fills = carried.is_some_and(|mtu| download.segment + 40 >= mtu);
    let shrinks = !download.stalled && download.is_long() && fills;
    if !shrinks && !path.stalls(mtu) {
        return Some(finding);
    }
    let evidence = (source(trial, Action::Download), said(path, download));
    // The path MTU is evidence already where it is this download that tells it.
    if !finding.evidence.iter().any(|e| e.source == *evidence.0 && e.value == evidence.1) {
        finding = finding.evidence(evidence.0, evidence.1);
    }
    if shrinks {
        finding.severity = finding.severity.at_most(Severity::Info);
        let target = &trial.subject;
        finding.summary = format!("{}; {target} learns that, others may not", finding.summary);
    }
    Some(finding)
}

/// A pass is proved where whole packets came of the largest MTU that containers get.
pub(super) fn pass(facts: &Facts) -> Outcome {
    let carried = facts.trials.path().and_then(|(_, path)| path.inward());
    let largest = inner(facts).into_iter().max();
    match (carried, largest) {
        (Some(carried), Some(largest)) if carried >= largest => Outcome::proved(),
        _ => Outcome::pass(),
    }
}

fn source(trial: &Trial, action: Action) -> Source {
    Source::trial(&format!("{} ({})", action.words(), trial.subject))
}

/// `announcing MTU 1500: stalled after 0 bytes; announcing MTU 1400: 16384 bytes, segments of 1360`.
fn said(path: &PathLearned, download: &Download) -> String {
    let one = |download: &Download| {
        let Download { mtu, bytes, segment, .. } = download;
        let how = if download.stalled {
            format!("stalled after {bytes} bytes")
        } else {
            format!("{bytes} bytes in segments of at most {segment}")
        };
        format!("announcing MTU {mtu}: {how}")
    };
    let other = path.downloads.iter().filter(|d| d.mtu < download.mtu && !d.stalled);
    let other = other.max_by_key(|download| download.mtu);
    other.map_or_else(|| one(download), |other| format!("{}; {}", one(download), one(other)))
}

#[cfg(test)]
pub(super) mod testing {
    use crate::facts::{
        Action, Download, Ending, Facts, Learned, PathLearned, Step, Trial, TrialName,
    };

    /// MTU, bytes, largest segment, whether it stalled.
    pub(in super::super) fn downloaded(
        facts: &mut Facts,
        outward: Option<u32>,
        downloads: &[(u32, u32, u32, bool)],
    ) {
        let download = |(mtu, bytes, segment, stalled): &(u32, u32, u32, bool)| Download {
            mtu: *mtu,
            bytes: *bytes,
            segment: *segment,
            stalled: *stalled,
        };
        let downloads = downloads.iter().map(download).collect();
        facts.trials.runs = alloc::vec![Trial {
            name: TrialName::Mtu,
            subject: "192.0.2.9:80".into(),
            steps: alloc::vec![Step {
                action: Action::ConnectTarget,
                object: "".into(),
                needed: true,
                refused: None,
            }],
            ending: Ending::Complete,
            left_behind: alloc::vec![],
            learned: Some(Learned::Path(PathLearned { outward, downloads })),
        }];
    }
}

#[cfg(test)]
mod tests {
    use super::{testing::downloaded, *};
    use crate::{
        outcome::Proof,
        testing::{healthy_container, healthy_network},
    };

    fn facts(downloads: &[(u32, u32, u32, bool)]) -> Facts {
        let mut facts = healthy_container();
        facts.network = healthy_network(1400);
        downloaded(&mut facts, None, downloads);
        facts
    }

    fn finding(facts: &Facts) -> Option<Finding> {
        weighed(
            facts,
            1500,
            Finding::new(
                "docker0",
                severities!(dockerd: Warning, kind: Warning, buildkit: Warning),
                "too much",
            ),
        )
    }

    #[test]
    fn the_way_out_is_compared_with_what_containers_get() {
        assert_eq!(mtus_to_try(&facts(&[])), [1400, 1500]);
        assert_eq!(mtus_to_try(&healthy_container()), [1500]);
    }

    #[test]
    fn a_download_that_stalls_alone_proves_the_finding() {
        let found = finding(&facts(&[(1400, 16384, 1360, false), (1500, 0, 0, true)])).unwrap();
        assert_eq!(found.proof(), Proof::Trial);
        assert_eq!(found.severity, severities!(dockerd: Warning, kind: Warning, buildkit: Warning));
        assert_eq!(
            found.evidence[0].value,
            "announcing MTU 1500: stalled after 0 bytes; announcing MTU 1400: 16384 bytes in segments \
             of at most 1360"
        );
    }

    #[test]
    fn whole_packets_that_come_remove_it_and_smaller_ones_lower_it() {
        let whole = facts(&[(1400, 16384, 1360, false), (1500, 16384, 1460, false)]);
        assert_eq!(finding(&whole), None);
        assert_eq!(pass(&whole), Outcome::proved());
        let found = finding(&facts(&[(1400, 16384, 1360, false), (1500, 16384, 1360, false)]));
        assert_eq!(found.unwrap().severity, severities!(dockerd: Info, kind: Info, buildkit: Info));
        let mut told = facts(&[]);
        downloaded(
            &mut told,
            Some(1380),
            &[(1400, 16384, 1340, false), (1500, 16384, 1340, false)],
        );
        assert_eq!(
            finding(&told).unwrap().severity,
            severities!(dockerd: Info, kind: Info, buildkit: Info)
        );
    }

    #[test]
    fn what_tells_nothing_changes_nothing() {
        for downloads in [
            // Short, never a full segment, stalled with less too.
            &[(1400, 300, 300, false), (1500, 300, 300, false)][..],
            &[(1400, 16384, 1200, false), (1500, 16384, 1200, false)],
            &[(1400, 0, 0, true), (1500, 0, 0, true)],
            &[(1400, 16384, 1360, false)],
            &[],
        ] {
            assert_eq!(finding(&facts(downloads)).unwrap().proof(), Proof::Static, "{downloads:?}");
            assert_eq!(pass(&facts(downloads)), Outcome::pass());
        }
    }

    #[test]
    fn a_path_that_carries_less_than_the_uplink_is_found() {
        let mut facts = facts(&[(1400, 0, 0, true), (1280, 16384, 1240, false)]);
        assert_eq!(narrower(&facts, 1400).map(|path| path.mtu), Some(1280));
        downloaded(&mut facts, Some(1380), &[]);
        assert_eq!(narrower(&facts, 1400).map(|path| path.mtu), Some(1380));
        downloaded(&mut facts, Some(1400), &[(1400, 16384, 1360, false)]);
        assert_eq!(narrower(&facts, 1400), None);
    }
}
