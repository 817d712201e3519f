//! Rows of netlink.

use dind_doctor_checks::facts::{Address, Link, NftTable, Route, Text};

use super::pseudonyms::Pseudonyms;

fn replaced(text: &Text, image: String) -> Text {
    // A name that stays keeps its mark of not having been UTF-8, too.
    if image == text.as_str() { text.clone() } else { image.into() }
}

pub(super) fn links(mut links: Vec<Link>, names: &Pseudonyms) -> Vec<Link> {
    for link in &mut links {
        link.name = replaced(&link.name, names.interface(&link.name));
        link.kind = link.kind.take().map(|kind| replaced(&kind, names.text(&kind)));
    }
    links
}

pub(super) fn addresses(mut addresses: Vec<Address>, names: &Pseudonyms) -> Vec<Address> {
    for row in &mut addresses {
        row.address = names.network(row.address);
    }
    addresses
}

pub(super) fn routes(mut routes: Vec<Route>, names: &Pseudonyms) -> Vec<Route> {
    for route in &mut routes {
        route.destination = names.network(route.destination);
        route.gateway = route.gateway.map(|gateway| names.address(gateway));
    }
    routes
}

pub(super) fn tables(mut tables: Vec<NftTable>, names: &Pseudonyms) -> Vec<NftTable> {
    for table in &mut tables {
        table.family = replaced(&table.family, names.text(&table.family));
        table.name = replaced(&table.name, names.text(&table.name));
        for chain in &mut table.chains {
            *chain = replaced(chain, names.text(chain));
        }
    }
    tables
}
