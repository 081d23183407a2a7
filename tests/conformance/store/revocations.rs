//! Tokens that are not taken any more.

use super::{for_every_store, user};
use hubbub_core::model::{farewell::Farewell, time::Timestamp};

for_every_store! {
    async fn what_is_revoked_of_a_user_never_goes_back_and_is_numbered(home: &Home) {
        let store = home.open().await;
        assert_eq!(store.revocations(0, 10).await.expect("an answer"), []);
        let (gone, back) = (Farewell::default(), Farewell::new(true, Some("other rights".into())).expect("a reason"));
        let first = store.revoke(&user("ana"), Timestamp(5_000), &gone).await.expect("an answer");
        assert_eq!((first.before, &first.farewell), (Timestamp(5_000), &gone));
        let second = store.revoke(&user("ben"), Timestamp(7_000), &back).await.expect("an answer");
        let third = store.revoke(&user("ana"), Timestamp(4_000), &back).await.expect("an answer");
        assert_eq!((third.before, &third.farewell), (Timestamp(5_000), &back), "the later moment and the last farewell");
        assert!(first.number < second.number && second.number < third.number);
        assert_eq!(store.revocations(0, 10).await.expect("an answer"), [second.clone(), third.clone()]);
        assert_eq!(store.revocations(second.number, 1).await.expect("an answer"), [second]);
        assert_eq!(store.revocations(third.number, 10).await.expect("an answer"), std::slice::from_ref(&third));
        assert_eq!(store.revocations(third.number + 1, 10).await.expect("an answer"), []);
        drop(store);
        assert_eq!(home.open().await.revocations(third.number, 10).await.expect("an answer"), [third], "it outlives whoever wrote it");
    }

    async fn nobody_sees_a_change_before_those_with_lower_numbers(home: &Home) {
        let store = home.open().await;
        let revoke = async |n: u32| {
            let who = user(&format!("u{n}"));
            store.revoke(&who, Timestamp(i64::from(n)), &Farewell::default()).await.expect("a number").number
        };
        let reader = async {
            let (mut last, mut seen) = (0, 0);
            while seen < 60 {
                // As instances read: what is behind the last one that was seen.
                for found in store.revocations(last + 1, 7).await.expect("a list") {
                    assert!(found.number > last);
                    (last, seen) = (found.number, seen + 1);
                }
            }
        };
        let writers = futures_util::future::join_all((0..60).map(revoke));
        let both = tokio::time::timeout(std::time::Duration::from_secs(30), async { tokio::join!(writers, reader) });
        let mut numbers = both.await.expect("none is passed over").0;
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=60).collect::<Vec<_>>());
    }
}
