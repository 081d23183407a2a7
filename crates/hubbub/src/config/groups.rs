//! What settings are about: the headings of `hubbub serve --help`, and of docs/configuration.md.

/// The headings, each with its settings, by their names as flags. Those of `[limits]` have their heading where they are defined.
const GROUPS: [(&str, &[&str]); 8] = [
    (
        "How it is reached",
        &[
            "listen",
            "admin-listen",
            "base-path",
            "public-url",
            "allowed-origins",
            "trusted-proxies",
            "tls-cert",
            "tls-key",
            "drain-window",
        ],
    ),
    ("Where logs are kept", &["store", "store-password", "schema"]),
    ("How instances hear of each other", &["bus", "bus-password"]),
    (
        "Whose tokens are taken",
        &[
            "token-secret",
            "token-public-key",
            "token-jwks",
            "token-jwks-ca",
            "token-issuer",
            "token-audience",
            "token-audience-claim",
            "token-require",
            "token-user-claim",
            "token-info-claim",
            "token-max-life",
        ],
    ),
    ("Your backend and portals", &["api-key", "secrets-key", "portal-allow"]),
    ("What is logged", &["instance", "log", "log-format"]),
    ("The configuration file", &["config"]),
    ("For trying it out", &["dev", "dev-host"]),
];

/// The same command, with a heading over each setting.
pub fn with_headings(command: clap::Command) -> clap::Command {
    command.mut_args(|arg| {
        let of = arg.get_long().and_then(|name| GROUPS.iter().find(|(_, names)| names.contains(&name)));
        match of {
            Some((heading, _)) => arg.help_heading(*heading),
            None => arg,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;
    use clap::Args;
    use std::collections::BTreeSet;

    #[test]
    fn every_setting_is_below_one_heading_and_every_name_is_a_setting() {
        let command = with_headings(Settings::augment_args(clap::Command::new("serve")));
        let plain: Vec<_> =
            command.get_arguments().filter(|arg| arg.get_help_heading().is_none()).map(|arg| arg.get_id()).collect();
        assert!(plain.is_empty(), "put these into GROUPS of config/groups.rs: {plain:?}");
        let known: BTreeSet<_> = command.get_arguments().filter_map(|arg| arg.get_long()).collect();
        let named: Vec<_> = GROUPS.iter().flat_map(|(_, names)| *names).copied().collect();
        let once: BTreeSet<_> = named.iter().copied().collect();
        assert!(once.len() == named.len() && once.is_subset(&known), "{named:?}");
    }
}
