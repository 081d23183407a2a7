//! Variables of the environment that are named like this program's and are none of them: a misspelt setting is one that is
//! not set, and nothing else would say so.

use super::{
    SECRET_FILES,
    spelling::{distance, nearest},
};
use std::{collections::BTreeSet, ffi::OsString, fmt};

const PREFIX: &str = "HUBBUB_";

/// How many letters of a name may be wrong where its prefix is.
const WRONG_IN_PREFIX: usize = 2;

/// A variable that nothing reads. Of its value nothing is known here: it may be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownVariable {
    /// Its name.
    pub name: String,
    /// The one that may be meant.
    pub meant: Option<String>,
}

impl UnknownVariable {
    /// What is wrong with it.
    pub const WHY: &str = "no such variable is known, so it sets nothing";

    /// What to do.
    pub fn to_do(&self) -> String {
        match &self.meant {
            Some(meant) => format!("did you mean {meant}?"),
            None => "take it away, or see `hubbub serve --help`, which has them all".into(),
        }
    }
}

impl fmt::Display for UnknownVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.name, Self::WHY, self.to_do())
    }
}

/// The variables of a command line: those of its flags and of all its commands', and those that name files with secrets.
pub fn known_variables(command: &clap::Command) -> BTreeSet<String> {
    let own = command.get_arguments().filter_map(|flag| Some(flag.get_env()?.to_string_lossy().into_owned()));
    let below = command.get_subcommands().flat_map(known_variables);
    own.chain(below).chain(SECRET_FILES.map(Into::into)).collect()
}

/// Those of an environment's variables that are named as if they were known, and are not.
pub fn unknown_variables(
    known: &BTreeSet<String>,
    environment: impl IntoIterator<Item = OsString>,
) -> Vec<UnknownVariable> {
    let names: BTreeSet<String> = environment.into_iter().map(|name| name.to_string_lossy().into_owned()).collect();
    let unknown = names.iter().filter(|name| !known.contains(*name) && !is_of_kubernetes(name, &names));
    let unknown = unknown.filter_map(|name| {
        let meant = match name.strip_prefix(PREFIX) {
            Some(rest) => meant(rest, known),
            None => Some(known.iter().find(|known| distance(name, known) <= WRONG_IN_PREFIX)?.as_str()),
        };
        Some(UnknownVariable { name: name.clone(), meant: meant.map(Into::into) })
    });
    unknown.collect()
}

/// The variable of which only the part behind the prefix may be wrong.
fn meant<'a>(rest: &str, known: &'a BTreeSet<String>) -> Option<&'a str> {
    // Not every setting has a file of its own.
    let without_file = rest.strip_suffix("_FILE").and_then(|rest| known.get(&format!("{PREFIX}{rest}")));
    let behind = known.iter().filter_map(|name| name.strip_prefix(PREFIX));
    let near = || nearest(rest, behind).and_then(|near| known.get(&format!("{PREFIX}{near}")));
    without_file.or_else(near).map(String::as_str)
}

/// Whether Kubernetes has set it: every container is told of each service, so of one named hubbub by `HUBBUB_SERVICE_HOST`,
/// `HUBBUB_SERVICE_PORT`, `HUBBUB_PORT`, `HUBBUB_PORT_8000_TCP_ADDR` and so on.
fn is_of_kubernetes(name: &str, names: &BTreeSet<String>) -> bool {
    let services = names.iter().filter_map(|name| name.strip_suffix("_SERVICE_HOST"));
    let mut told = services.filter_map(|service| name.strip_prefix(service));
    told.any(|what| what == "_PORT" || what.starts_with("_PORT_") || what.starts_with("_SERVICE_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown(names: &[&str]) -> Vec<String> {
        let known = ["STORE", "STORE_FILE", "BUS", "DEV", "LISTEN", "TOKEN_SECRET"];
        let known = known.iter().map(|name| format!("{PREFIX}{name}")).collect();
        let unknown = unknown_variables(&known, names.iter().map(OsString::from));
        unknown.into_iter().map(|one| [&one.name, one.meant.as_deref().unwrap_or("-")].join(" ")).collect()
    }

    #[test]
    fn a_misspelt_variable_is_named_with_what_may_be_meant() {
        for (name, told) in [
            ("HUBBUB_STORRE", "HUBBUB_STORE"),
            ("HUBBUB_STROE", "HUBBUB_STORE"),
            ("HUBBUB_store", "-"),
            ("HUBBUB_STORE_FIEL", "HUBBUB_STORE_FILE"),
            ("HUBBUB_TOKENSECRET", "HUBBUB_TOKEN_SECRET"),
            ("HUBBUB_LISTEN_FILE", "HUBBUB_LISTEN"),
            ("HUBUB_TOKEN_SECRET", "HUBBUB_TOKEN_SECRET"),
            ("HUBBUBB_BUS", "HUBBUB_BUS"),
            ("HUBBUB_PORT", "-"),
            ("HUBBUB_KEY", "-"),
            ("HUBBUB_", "-"),
        ] {
            assert_eq!(unknown(&[name]), [format!("{name} {told}")]);
        }
    }

    #[test]
    fn what_is_known_or_somebody_elses_is_passed_over() {
        let names = ["HUBBUB_STORE", "HUBBUB_STORE_FILE", "HUB_TOKEN", "HUBBUB", "STORE", "PATH", "hubbub_store", ""];
        assert!(unknown(&names).is_empty());
    }

    #[test]
    fn what_kubernetes_says_of_a_service_is_passed_over_and_nothing_besides() {
        let told = [
            "HUBBUB_SERVICE_HOST",
            "HUBBUB_SERVICE_PORT",
            "HUBBUB_SERVICE_PORT_HTTP",
            "HUBBUB_PORT",
            "HUBBUB_PORT_8000_TCP",
            "HUBBUB_PORT_8000_TCP_ADDR",
            "HUBBUB_ADMIN_SERVICE_HOST",
            "HUBBUB_ADMIN_SERVICE_PORT",
            "HUBBUB_ADMIN_PORT_9000_TCP_PROTO",
        ];
        assert!(unknown(&told).is_empty());
        assert_eq!(unknown(&[&told[..], &["HUBBUB_STORRE", "HUBBUB_PORTS"]].concat()).len(), 2);
        // Without such a service somebody has set it by hand.
        assert_eq!(unknown(&["HUBBUB_PORT"]), ["HUBBUB_PORT -"]);
    }
}
