//! What people decide for themselves, and reports: one file per method.

pub mod accept_invite;
pub mod block;
pub mod blocks;
pub mod decline_invite;
pub mod invite;
pub mod invites;
pub mod preferences;
pub mod report;
pub mod reports;
pub mod set_preferences;
pub mod settle_report;
pub mod unblock;
pub mod views;
pub mod withdraw_invite;

use super::Choices;
use crate::chat::methods::{Edge, Method};

/// Tells an edge of all of them, in the order in which documents show them.
pub fn list(edge: &mut impl Edge<Choices>) {
    set_preferences::SetPreferences::register(edge);
    preferences::ListPreferences::register(edge);
    block::Block::register(edge);
    unblock::Unblock::register(edge);
    blocks::ListBlocks::register(edge);
    invite::Invite::register(edge);
    invites::ListInvites::register(edge);
    accept_invite::AcceptInvite::register(edge);
    decline_invite::DeclineInvite::register(edge);
    withdraw_invite::WithdrawInvite::register(edge);
    report::ReportMessage::register(edge);
    reports::ListReports::register(edge);
    settle_report::SettleReport::register(edge);
}
