//! The session of the doctor's user.

use dind_doctor_checks::facts::{Fact, Session};

use super::{Reader, sysctl};
use crate::source::{ask, path};

pub(super) fn probe(reader: &Reader) -> Session {
    let variables = reader.variables(None, &["XDG_RUNTIME_DIR"]);
    let named = variables.map(|mut v| v.remove("XDG_RUNTIME_DIR").filter(|d| d.starts_with('/')));
    let directory = match (&named, reader.ask(ask::Ids)) {
        (Ok(Some(directory)), _) => path::encode(directory.trim_end_matches('/').as_bytes()),
        (_, Ok(ids)) => format!("/run/user/{}", ids.euid),
        (_, Err(missing)) => {
            return Session {
                runtime_directory: Fact::from(named).map(|named| named.map(Into::into)),
                bus: Fact::Missing(missing),
            };
        }
    };
    Session {
        runtime_directory: Fact::from(named).map(|named| named.map(Into::into)),
        bus: sysctl::exists(reader, &format!("{directory}/bus")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::fixed::Fixed;

    fn with(directory: Option<&str>) -> Fixed {
        let name = "XDG_RUNTIME_DIR".to_owned();
        let value = directory.map(str::to_owned);
        Fixed::new().answer(ask::Variable { pid: None, name }, value)
    }

    #[test]
    fn the_bus_is_looked_for_in_the_directory_that_is_named() {
        let source = with(Some("/run/user/7/")).directory("/run/user/7/bus", &[]);
        let session = probe(&Reader::new(&source));
        assert_eq!(session.runtime_directory, Fact::Known(Some("/run/user/7/".into())));
        assert_eq!(session.bus, Fact::Known(true));
        let session = probe(&Reader::new(&with(Some("/run/user/7"))));
        assert_eq!(session.bus, Fact::Known(false));
    }

    #[test]
    fn without_one_nothing_is_assumed() {
        let session = probe(&Reader::new(&with(None)));
        assert_eq!(session.runtime_directory, Fact::Known(None));
        assert!(session.bus.known().is_none());
    }
}
