//! What can be asked about portals and their sessions: one file per method, and the list of them.

pub mod close_session;
pub mod configure_portal;
pub mod create_portal;
pub mod dead_letter;
pub mod dead_letters;
pub mod delete_portal;
pub mod deliveries;
pub mod discard_dead_letter;
pub mod drop_all_refused;
pub mod drop_event;
pub mod drop_refused;
pub mod dry_run;
pub mod explain_portal;
pub mod open_session;
pub mod pause_portal;
pub mod portals;
pub mod quarantine;
pub mod refused;
pub mod refused_hook;
pub mod release_event;
pub mod replay_all_refused;
pub mod replay_dead_letter;
pub mod replay_dead_letters;
pub mod replay_refused;
pub mod reseal;
pub mod resume_portal;
pub mod rotate_secret;
pub mod session;
pub mod sessions;
pub mod set_session_state;
pub mod show_portal;
pub mod show_secrets;
pub mod steer_session;
pub mod try_portal;
pub mod views;

use super::{Portals, support::SupportChat};
use crate::chat::methods::{Edge, Method};

/// Tells an edge of all methods of portals, in the order in which documents show them.
pub fn list(edge: &mut (impl Edge<SupportChat> + Edge<Portals>)) {
    open_session::OpenSession::register(edge);
    session::ShowSession::register(edge);
    close_session::CloseSession::register(edge);
    sessions::ListSessions::register(edge);
    set_session_state::SetSessionState::register(edge);
    steer_session::SteerSession::register(edge);
    create_portal::CreatePortal::register(edge);
    portals::ListPortals::register(edge);
    show_portal::ShowPortal::register(edge);
    configure_portal::ConfigurePortal::register(edge);
    rotate_secret::RotateSecret::register(edge);
    show_secrets::ShowSecrets::register(edge);
    reseal::Reseal::register(edge);
    pause_portal::PausePortal::register(edge);
    resume_portal::ResumePortal::register(edge);
    delete_portal::DeletePortal::register(edge);
    dry_run::DryRunBody::register(edge);
    try_portal::TryPortal::register(edge);
    explain_portal::ExplainPortal::register(edge);
    deliveries::ListDeliveries::register(edge);
    dead_letters::ListDeadLetters::register(edge);
    dead_letter::ShowDeadLetter::register(edge);
    replay_dead_letters::ReplayDeadLetters::register(edge);
    replay_dead_letter::ReplayDeadLetter::register(edge);
    discard_dead_letter::DiscardDeadLetter::register(edge);
    quarantine::ListQuarantine::register(edge);
    release_event::ReleaseEvent::register(edge);
    drop_event::DropEvent::register(edge);
    refused::ListRefused::register(edge);
    refused_hook::ShowRefused::register(edge);
    replay_all_refused::ReplayAllRefused::register(edge);
    replay_refused::ReplayRefused::register(edge);
    drop_all_refused::DropAllRefused::register(edge);
    drop_refused::DropRefused::register(edge);
}
