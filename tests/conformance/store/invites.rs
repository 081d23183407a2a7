//! Invitations that wait for an answer.

use super::{Home, Pen, for_every_store, place, room, user};
use hubbub::features::people::{
    invites::{Invite, Invited, NewInvite},
    store::PeopleStore,
};
use hubbub_core::{
    log::kinds::{Banned, Joined, Left, What},
    model::access::{Role, RoomKind},
};
use std::{sync::Arc, time::Duration};

const LONG: Duration = Duration::from_secs(3_600);

async fn both(home: &Home) -> (Pen, Arc<dyn PeopleStore>) {
    let stores = home.open_all().await;
    (Pen(stores.logs), stores.people)
}

fn new(id: &str, who: &str, by: &str, lasts: Duration) -> NewInvite {
    NewInvite { room: room(id), user: user(who), by: user(by), lasts }
}

fn is(invited: Invited) -> (Invite, bool) {
    match invited {
        Invited::Is { invite, is_news } => (invite, is_news),
        other => panic!("not invited: {other:?}"),
    }
}

for_every_store! {
    async fn an_invitation_waits_once_for_each_inviter_until_it_is_answered_or_over(home: &Home) {
        let (pen, people) = both(home).await;
        pen.general().await;
        pen.room("hall", RoomKind::Open, &[("ana", Role::Admin)]).await;
        let invites = async |id: &str, who: &str, by: &str, lasts: Duration| {
            people.invite(&new(id, who, by, lasts), 3).await.expect("an answer")
        };
        let waiting = async |who: &str| {
            let part = people.invites(&user(who), None, 10).await.expect("a list");
            let line = |listed: &hubbub::features::people::invites::ListedInvite| {
                format!("{} {} {}", listed.invite.room, listed.invite.by, listed.kind.word())
            };
            part.items.iter().map(line).collect::<Vec<_>>()
        };
        let (first, is_news) = is(invites("general", "eve", "ana", LONG).await);
        assert!(is_news && first.expires_at.0 - first.at.0 == 3_600_000, "{first:?}");
        assert_eq!(is(invites("general", "eve", "ana", LONG).await), (first.clone(), false), "it waits already");
        assert!(is(invites("general", "eve", "ben", LONG).await).1, "by somebody else it is another");
        assert!(is(invites("hall", "eve", "ana", LONG).await).1);
        assert_eq!(waiting("eve").await, ["general ana private", "hall ana open"], "the first of each room");
        assert_eq!(waiting("ana").await, [""; 0]);
        let into = people.invites_into(&user("eve"), &room("general")).await.expect("a list");
        assert_eq!(into.iter().map(|invite| invite.by.as_str()).collect::<Vec<_>>(), ["ana", "ben"]);
        let part = people.invites(&user("eve"), None, 1).await.expect("a list");
        assert_eq!((part.items.len(), part.more), (1, true));
        let part = people.invites(&user("eve"), Some(&room("general")), 1).await.expect("a list");
        assert_eq!((part.items[0].invite.room.as_str(), part.more), ("hall", false));

        assert!(is(invites("general", "dora", "ana", LONG).await).1);
        assert_eq!(invites("general", "zoe", "ana", LONG).await, Invited::TooMany);
        assert_eq!(is(invites("general", "eve", "ana", LONG).await), (first, false), "asked again, it is none more");
        assert_eq!(invites("nowhere", "zoe", "ana", LONG).await, Invited::NoRoom);
        people.end_invites(&room("general"), &user("eve")).await.expect("an answer");
        people.end_invites(&room("general"), &user("eve")).await.expect("an answer");
        assert_eq!(waiting("eve").await, ["hall ana open"]);
        assert!(is(invites("general", "zoe", "ana", LONG).await).1);
        assert_eq!(waiting("zoe").await, ["general ana private"]);
        home.change("UPDATE invites SET expires_at = 1 WHERE user_id = 'zoe'").await;
        assert_eq!(waiting("zoe").await, [""; 0], "it is over");
        assert!(people.invites_into(&user("zoe"), &room("general")).await.expect("a list").is_empty());
        assert!(is(invites("general", "zoe", "ana", LONG).await).1, "and is sent anew");

        // Who has come in otherwise, or was banned, is asked nothing.
        let joins = What::Joined(Joined { user: user("dora"), role: Role::Member });
        place(&pen.append(pen.by_backend("general", "in", joins)).await);
        place(&pen.append(pen.by_backend("general", "ban", What::Banned(Banned { user: user("zoe") }))).await);
        assert_eq!((waiting("dora").await, waiting("zoe").await), (vec![], vec![]));
        // Nor is who was removed, or banned no more: an earlier invitation does not bring them back.
        for (key, who) in [("out", "dora"), ("unban", "zoe")] {
            place(&pen.append(pen.by_backend("general", key, What::Left(Left { user: user(who) }))).await);
            assert!(people.invites_into(&user(who), &room("general")).await.expect("a list").is_empty(), "{who}");
        }
        pen.0.delete_room(&room("hall")).await.expect("an answer");
        assert_eq!(waiting("eve").await, [""; 0], "those into a deleted room are gone");
        assert_eq!(invites("hall", "eve", "ana", LONG).await, Invited::NoRoom);
        while pen.0.purge(500, Duration::from_secs(600)).await.expect("a portion") {}
        let rows = home.numbers(["count(*)"], "FROM invites WHERE user_id = 'eve'").await;
        assert_eq!(rows, [[Some(0)]]);
    }

    async fn whoever_is_blocked_invites_in_vain_and_cannot_tell(home: &Home) {
        let (pen, people) = both(home).await;
        pen.general().await;
        people.block(&user("eve"), &user("ana"), 10).await.expect("an answer");
        let invites = async |by: &str| is(people.invite(&new("general", "eve", by, LONG), 10).await.expect("an answer"));
        let (first, is_news) = invites("ana").await;
        assert!(!is_news, "she is not told");
        assert_eq!(invites("ana").await, (first, false));
        let waiting = async || {
            let part = people.invites(&user("eve"), None, 10).await.expect("a list");
            part.items.iter().map(|listed| listed.invite.by.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(waiting().await, [""; 0]);
        assert!(people.invites_into(&user("eve"), &room("general")).await.expect("a list").is_empty());
        assert!(invites("ben").await.1, "it stands in nobody's way");
        assert_eq!(waiting().await, ["ben"]);
        people.unblock(&user("eve"), &user("ana")).await.expect("an answer");
        assert_eq!(waiting().await, ["ana"]);
    }
}
