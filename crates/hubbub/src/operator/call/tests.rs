//! Every method there is can be called.

use super::{
    help,
    members::Members,
    methods::{Body, Methods, Place},
    *,
};
use crate::{
    chat::methods::{Edge, RestMethod, RpcMethod},
    features,
};
use std::collections::BTreeSet;

/// The table, read once more without the document.
#[derive(Default)]
struct Names(Vec<(&'static str, &'static str, &'static str, bool)>);

impl<On> Edge<On> for Names {
    fn rpc<M: RpcMethod<On = On>>(&mut self) {}

    fn rest<M: RestMethod<On = On>>(&mut self) {
        self.0.push((M::NAME, M::ROUTE.path, M::DOC.summary, M::ROUTE.idempotency_key));
    }
}

/// What a shell makes of a line without anything to be expanded.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut is_quoted = false;
    for c in line.chars() {
        match c {
            '\'' => is_quoted = !is_quoted,
            ' ' if !is_quoted => words.push(String::new()),
            c => words.last_mut().expect("a word").push(c),
        }
    }
    words
}

#[test]
fn every_method_of_rest_is_a_command_whose_example_is_a_request_of_its_route() {
    let mut table = Names::default();
    features::methods(&mut table);
    let methods = Methods::read();
    let mut call = commands(Command::new("call"));
    assert_eq!(table.0.len(), methods.all.len());
    for (name, path, summary, has_key) in table.0 {
        let method = methods.named(name).unwrap_or_else(|| panic!("{name} cannot be called"));
        let help = call.find_subcommand_mut(name).expect("a command").render_long_help().to_string();
        assert!(help.contains(path) && help.contains(&help::example(method)) && help.contains(summary), "{help}");
        assert_eq!(help.contains("--key"), has_key, "{name}");
        // All that is in braces is a member, and no name has two meanings.
        let of_path: Vec<_> = method.members.iter().filter(|m| m.place == Place::Path).map(|m| &*m.name).collect();
        let braces: Vec<_> = method.route.params.iter().map(|param| param.name).collect();
        assert_eq!(of_path, braces, "{name}");
        let names: BTreeSet<_> = method.members.iter().map(|member| &member.name).collect();
        assert_eq!(names.len(), method.members.len(), "{name}: {names:?}");
        for member in &method.members {
            assert!(!member.description.is_empty(), "{name}: nothing is said of {}", member.name);
        }
        // The example goes to the route, and says all that is needed.
        let parts: Vec<_> =
            words(&help::example(method)).into_iter().skip(3).take_while(|part| part != "--body").collect();
        let members =
            Members::read(&methods, method, &parts, || unreachable!()).unwrap_or_else(|e| panic!("{name}: {e}"));
        let asked = members.request(method).expect("a request");
        let (asked_path, _) = asked.path.split_once('?').unwrap_or((&asked.path, ""));
        assert_eq!(asked_path.split('/').count(), path.split('/').count(), "{}", asked.path);
        for (is, should) in asked_path.split('/').zip(path.split('/')) {
            assert!(is == should || (should.starts_with('{') && !is.is_empty() && !is.contains('{')), "{}", asked.path);
        }
        match method.body {
            Body::Members { is_needed } => assert!(asked.body.is_some() || !is_needed, "{name}: {asked:?}"),
            Body::None | Body::Bytes(_) => assert_eq!(asked.body, None, "{name}"),
        }
    }
}

#[test]
fn what_a_method_has_no_use_for_is_a_wrong_command() {
    let wrong =
        |line: &str| commands(Command::new("call")).try_get_matches_from(words(line)).expect_err("wrong").kind();
    assert_eq!(wrong("call show_room room=r --key k"), clap::error::ErrorKind::UnknownArgument);
    assert_eq!(wrong("call send room=r --all"), clap::error::ErrorKind::UnknownArgument);
    assert_eq!(wrong("call dry_run portal=p"), clap::error::ErrorKind::MissingRequiredArgument);
    assert_eq!(wrong("call join room=r"), clap::error::ErrorKind::InvalidSubcommand);
}
