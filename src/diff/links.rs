//! Interface indexes are numbers that the kernel gives in order: here they get the same number on both
//! sides where the link has the same name, so that addresses and routes can be compared and swapped.

use std::collections::BTreeMap;

use dind_doctor_checks::facts::{Fact, Facts, Network};
use serde_json::Value;

/// Above every index that is given to a link by name.
const UNNAMED: u32 = 1 << 30;

/// Renumbers the links of both.
pub(super) fn align(left: &mut Facts, right: &mut Facts) {
    let mut numbers: BTreeMap<String, u32> = BTreeMap::new();
    for facts in [&*left, &*right] {
        for link in facts.network.links.known().into_iter().flatten() {
            let next = u32::try_from(numbers.len()).unwrap_or(UNNAMED) + 1;
            numbers.entry(link.name.as_str().to_owned()).or_insert(next);
        }
    }
    renumber(&mut left.network, &numbers);
    renumber(&mut right.network, &numbers);
}

/// Adds to addresses and routes, serialised, the name of their link, by which people know them. Who reads
/// the facts back does not look at it.
pub(super) fn name(facts: &mut Value, network: &Network) {
    for (list, field) in [("addresses", "index"), ("routes", "interface")] {
        let rows = facts.pointer_mut(&format!("/network/{list}")).and_then(Value::as_array_mut);
        for row in rows.into_iter().flatten() {
            let index = row.get(field).and_then(Value::as_u64);
            let link = index.and_then(|index| network.link(u32::try_from(index).ok()?));
            let name = link.map(|link| Value::from(link.name.as_str())).unwrap_or_default();
            if let Some(row) = row.as_object_mut() {
                row.insert("link".to_owned(), name);
            }
        }
    }
}

fn renumber(network: &mut Network, numbers: &BTreeMap<String, u32>) {
    let by_index: BTreeMap<u32, u32> = network
        .links
        .known()
        .into_iter()
        .flatten()
        .filter_map(|link| Some((link.index, *numbers.get(link.name.as_str())?)))
        .collect();
    // An index of a link that is not seen must not become one that is.
    let number =
        |index: u32| by_index.get(&index).copied().unwrap_or(index.saturating_add(UNNAMED));
    if let Fact::Known(links) = &mut network.links {
        for link in links {
            link.index = number(link.index);
            link.controller = link.controller.map(number);
        }
    }
    if let Fact::Known(addresses) = &mut network.addresses {
        for address in addresses {
            address.index = number(address.index);
        }
    }
    if let Fact::Known(routes) = &mut network.routes {
        for route in routes {
            route.interface = route.interface.map(number);
        }
    }
}
