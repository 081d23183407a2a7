//! What was done outside of any room's log.

use super::{for_every_store, user};
use hubbub::store::audit::{AuditFilter, NewAct};

for_every_store! {
    async fn what_is_done_outside_of_rooms_is_kept_for_a_while(home: &Home) {
        let store = home.open().await;
        let begin = async |actor: &str, act: &'static str, subject: &str| {
            let new = NewAct { actor: user(actor), act, subject: subject.to_owned() };
            store.begin_act(&new).await.expect("a number")
        };
        let listed = async |filter: AuditFilter, limit: usize| {
            let part = store.acts(&filter, limit).await.expect("a list");
            let line = |act: &hubbub::store::audit::AuditedAct| {
                format!("{} {} {} {}", act.actor, act.act, act.subject, act.outcome.as_deref().unwrap_or("open"))
            };
            (part.items.iter().map(line).collect::<Vec<_>>(), part.more)
        };
        let first = begin("hubbub:api", "delete_room", "/v1/rooms/hall").await;
        let second = begin("mo", "settle_report", "/v1/reports/7").await;
        let third = begin("hubbub:api", "pause_portal", "/v1/portals/desk/pause").await;
        assert!(first < second && second < third);
        store.end_act(first, "done").await.expect("an answer");
        store.end_act(third, "unknown_portal").await.expect("an answer");
        let all = [
            "hubbub:api pause_portal /v1/portals/desk/pause unknown_portal".to_owned(),
            "mo settle_report /v1/reports/7 open".to_owned(),
            "hubbub:api delete_room /v1/rooms/hall done".to_owned(),
        ];
        let any = AuditFilter::default;
        assert_eq!(listed(any(), 10).await, (all.to_vec(), false));
        assert_eq!(listed(any(), 2).await, (all[..2].to_vec(), true));
        assert_eq!(listed(AuditFilter { before: Some(second), ..any() }, 2).await, (all[2..].to_vec(), false));
        for (filter, nth) in [
            (AuditFilter { actor: Some(user("mo")), ..any() }, 1),
            (AuditFilter { act: Some("delete_room".into()), ..any() }, 2),
            (AuditFilter { subject: Some("/v1/portals/desk".into()), ..any() }, 0),
        ] {
            assert_eq!(listed(filter.clone(), 10).await, (vec![all[nth].clone()], false), "{filter:?}");
        }
        for subject in ["/v1/portals/des_", "%", "v1"] {
            let filter = AuditFilter { subject: Some(subject.into()), ..any() };
            assert_eq!(listed(filter, 10).await.0, [""; 0], "{subject}");
        }
        // What is older than 90 days goes as something is added.
        home.change("UPDATE audit SET at = at - 7776001000 WHERE act <> 'pause_portal'").await;
        begin("hubbub:api", "reseal", "/v1/secrets/reseal").await;
        let left = listed(any(), 10).await.0;
        assert_eq!(left, ["hubbub:api reseal /v1/secrets/reseal open".to_owned(), all[0].clone()]);
    }
}
