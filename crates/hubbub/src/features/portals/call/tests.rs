use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::net::TcpListener;

const DEADLINE: Duration = Duration::from_secs(10);

fn allowed(list: &str) -> Allowed {
    Allowed::parse(list).unwrap()
}

#[test]
fn of_what_a_name_has_only_addresses_that_may_be_called_are_left() {
    let at = |address: &str| -> SocketAddr { format!("{address}:0").parse().unwrap() };
    let found = ["10.0.0.1", "127.0.0.1", "93.184.216.34", "[::1]", "[::ffff:10.0.0.1]", "[fe80::1]"].map(at).to_vec();
    assert_eq!(fit("portal.example", None, found.clone(), &allowed("")), Ok(vec![at("93.184.216.34")]));
    let inside = fit("portal.example", None, found.clone(), &allowed("10.0.0.0/8, [::1]"));
    assert_eq!(inside, Ok(["10.0.0.1", "93.184.216.34", "[::1]", "[::ffff:10.0.0.1]"].map(at).to_vec()));
    assert_eq!(fit("portal.example", None, found.clone(), &allowed("portal.example")), Ok(found.clone()));
    assert!(fit("localhost", None, vec![at("93.184.216.34")], &allowed("")).is_err(), "whatever the name server says");
    let none = fit("portal.example", None, found[..2].to_vec(), &allowed("")).unwrap_err();
    assert!(none.contains("portal.example has no address that may be called"), "{none}");
}

/// Calls `https://rebinding.test`, which has one address at each look-up.
struct Rebinding {
    caller: Caller,
    looks: Arc<AtomicUsize>,
    port: u16,
}

impl Rebinding {
    fn new(allowed: &str, answers: &'static [&'static str], port: u16) -> Self {
        let looks = Arc::<AtomicUsize>::default();
        let count = looks.clone();
        let look_up = move |host: String| {
            assert_eq!(host, "rebinding.test");
            let answer = answers[count.fetch_add(1, Ordering::Relaxed).min(answers.len() - 1)];
            async move { Ok(vec![SocketAddr::new(answer.parse().unwrap(), 0)]) }.boxed()
        };
        let caller = Caller::looking_up(self::allowed(allowed), Arc::new(look_up)).unwrap();
        Self { caller, looks, port }
    }

    /// Why there was no answer: nobody here speaks TLS.
    async fn fails(&self) -> String {
        let url = format!("https://rebinding.test:{}/", self.port);
        let body = Some("{}".to_owned());
        let outgoing = Outgoing { method: "POST", url: &url, headers: &[], body, wants_answer: None };
        self.caller.call(outgoing).await.failure.unwrap()
    }
}

/// Counts who connects, and hangs up.
fn doorman(listener: TcpListener) -> Arc<AtomicUsize> {
    let visits = Arc::<AtomicUsize>::default();
    let count = visits.clone();
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
    visits
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_at_the_next_look_up_leads_nowhere() {
    let good = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = good.local_addr().unwrap().port();
    let walled = TcpListener::bind(("127.0.0.2", port)).await.unwrap();
    let (good, walled) = (doorman(good), doorman(walled));
    let calls = async {
        let rebinding = Rebinding::new("127.0.0.1", &["127.0.0.1", "127.0.0.2"], port);
        // What was looked at is what is connected to: there is no second look-up in between.
        let tls = rebinding.fails().await;
        assert!(!tls.contains("may be called"), "{tls}");
        assert_eq!((rebinding.looks.load(Ordering::Relaxed), good.load(Ordering::Relaxed)), (1, 1));
        // The next call looks again, and at what that says.
        let refused = rebinding.fails().await;
        assert!(refused.contains("rebinding.test has no address that may be called"), "{refused}");
        assert_eq!(rebinding.looks.load(Ordering::Relaxed), 2);

        let refused = Rebinding::new("", &["127.0.0.2"], port).fails().await;
        assert!(refused.contains("rebinding.test has no address that may be called"), "{refused}");
        assert_eq!((good.load(Ordering::Relaxed), walled.load(Ordering::Relaxed)), (1, 0));
        // It would have been noticed.
        Rebinding::new("127.0.0.2", &["127.0.0.2"], port).fails().await;
        assert_eq!(walled.load(Ordering::Relaxed), 1);
    };
    tokio::time::timeout(DEADLINE, calls).await.expect("an end in time");
}

#[tokio::test]
async fn what_is_allowed_at_one_port_is_not_reached_at_another() {
    let (desk, other) =
        (TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let [at_desk, at_other] = [&desk, &other].map(|listener| listener.local_addr().unwrap().port());
    let (_desk, other) = (doorman(desk), doorman(other));
    let list = format!("127.0.0.0/8:{at_desk}");
    let calls = async {
        let tls = Rebinding::new(&list, &["127.0.0.1"], at_desk).fails().await;
        assert!(!tls.contains("may be called"), "{tls}");
        let walled = Rebinding::new(&list, &["127.0.0.1"], at_other).fails().await;
        assert!(walled.contains("has no address that may be called"), "{walled}");
    };
    tokio::time::timeout(DEADLINE, calls).await.expect("an end in time");
    assert_eq!(other.load(Ordering::Relaxed), 0, "somebody got in");
}
