//! Answers that several methods share.

use crate::{
    chat::methods::{
        Actor,
        rest::{PathParam, Schemas, schema_of},
        views::next,
    },
    features::portals::{
        sessions::{ExternalOutcome, OpenedSession},
        store::{Portal, Session, Trouble},
        trial::{Trial, TriedCall},
    },
};
use hubbub_core::{
    delivery::{attempt::Attempt, retry::Class, stored_cursor::Delivery},
    limits,
    log::room::ListPart,
    model::time::Timestamp,
    portal::settings::PortalSettings,
};
use serde::Serialize;
use std::{borrow::Cow, collections::BTreeMap};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ArrayBuilder, ObjectBuilder, Ref, RefOr, Schema, Type, schema::SchemaType},
};

/// A session, as its customer sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionView {
    /// Its id: that of the room.
    id: String,
    /// Its portal.
    portal: String,
    /// Its customer.
    customer: String,
    /// For people.
    name: String,
    /// open, waiting or closed.
    state: &'static str,
    /// The portal's own id of the conversation, once it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    external: Option<String>,
    /// The last seq.
    head: u64,
    /// What the numbers count in.
    epoch: String,
    /// The last seq that the portal has, that was not for it, or that is in `failed`.
    forwarded: u64,
    /// The portal has not taken what comes after `forwarded` at the first try; it is tried again.
    delayed: bool,
    /// The numbers that were given up on and not delivered since.
    failed: Vec<u64>,
}

impl SessionView {
    /// A session.
    pub fn new(session: &Session) -> Self {
        let (room, delivery) = (&session.room, &session.delivery);
        Self {
            id: room.id.to_string(),
            portal: session.portal.to_string(),
            customer: session.customer.to_string(),
            name: room.name.clone(),
            state: session.state.state(),
            external: session.external.clone(),
            head: room.head.get(),
            epoch: room.epoch.to_string(),
            forwarded: delivery.position.get(),
            delayed: delivery.blocked || !delivery.attempts.is_empty(),
            failed: delivery.failed.iter().map(|seq| seq.get()).collect(),
        }
    }
}

/// A session, as an operator sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryView {
    /// What its customer sees.
    #[serde(flatten)]
    session: SessionView,
    /// Ids that the portal called it by before, the newest first: at most 16. Webhooks find it by them, too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    external_before: Vec<String>,
    /// Other sessions that have the same `external`: at most 8. Whom a webhook means that names only it is said by the portal's
    /// settings.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    external_shared_with: Vec<String>,
    /// What became of the `external` that was asked for: `kept`, `changed`, or `conflict`: it is the session's, and others have it,
    /// too. In the answer to `open_session` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    external_outcome: Option<&'static str>,
    /// What the customer is in the session: a `member`; `rejoined`: a member again, who had left; `removed`: no member, by
    /// somebody else's doing. In the answer to `open_session` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_is: Option<&'static str>,
    /// Since when the oldest entry waits for the portal; absent while nothing waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting_since: Option<String>,
    /// When the next attempt is due, or the one under way must have ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    due_at: Option<String>,
    /// Attempts that count against the next entry.
    counted: u32,
    /// It stands still: at a dead letter, or because an operator disabled it.
    blocked: bool,
    /// An operator disabled it.
    disabled: bool,
    /// The attempts of the next entry, the newest last.
    attempts: Vec<AttemptView>,
    /// What calls have picked from the portal's answers besides `external`, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    refs: BTreeMap<String, String>,
    /// The calls of the next entry that were made, or passed over, where it takes several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    called: Vec<String>,
    /// The last messages that the portal has, by its own ids, where calls pick them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sent: Vec<SentView>,
}

/// A message as the portal has it.
#[derive(Debug, Serialize, ToSchema)]
pub struct SentView {
    /// The entry.
    seq: u64,
    /// The portal's id of it, or of a part of it.
    id: String,
}

impl DeliveryView {
    /// A session.
    pub fn new(session: &Session) -> Self {
        let Delivery { position, failed, waiting_since, due_at, counted, blocked, attempts, calls, .. } =
            &session.delivery;
        Self {
            session: SessionView::new(session),
            external_before: session.externals.clone(),
            external_shared_with: session.shared_with.iter().map(ToString::to_string).collect(),
            external_outcome: None,
            customer_is: None,
            waiting_since: waiting_since.map(|at| at.to_string()),
            due_at: due_at.map(|at| at.to_string()),
            counted: *counted,
            blocked: *blocked,
            disabled: *blocked && !failed.iter().any(|seq| seq.get() == position.get() + 1),
            attempts: attempts.iter().map(AttemptView::new).collect(),
            refs: session.refs.clone(),
            called: calls.entry.as_ref().map(|progress| progress.done.clone()).unwrap_or_default(),
            sent: calls.sent.iter().map(|sent| SentView { seq: sent.seq, id: sent.id.clone() }).collect(),
        }
    }
}

/// One POST and what came of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct AttemptView {
    /// When it began.
    at: String,
    /// How long it took, in milliseconds.
    took_ms: u64,
    /// The status of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// What kind of thing it met: taken, down, throttled, credentials, refused or gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<&'static str>,
    /// Which instance made it.
    instance: String,
}

impl AttemptView {
    pub(super) fn new(attempt: &Attempt) -> Self {
        Self {
            at: Timestamp(attempt.at).to_string(),
            took_ms: attempt.took,
            status: attempt.status,
            error: attempt.error.clone(),
            class: attempt.class().filter(|_| attempt.error.is_some()).map(Class::word),
            instance: attempt.instance.clone(),
        }
    }
}

/// Some of many.
#[derive(Debug, Serialize)]
pub struct PartView<T> {
    /// In order.
    pub items: Vec<T>,
    /// Ask for those `after` this one; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl<T: ToSchema> PartialSchema for PartView<T> {
    fn schema() -> RefOr<Schema> {
        let items = ArrayBuilder::new().items(Ref::from_schema_name(T::name())).description(Some("In order."));
        let next = ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
            .description(Some("Ask for those `after` this one; absent on the last page."));
        let part = ObjectBuilder::new().property("items", items).required("items").property("next", next);
        part.description(Some("Some of many.")).into()
    }
}

/// By hand: what is derived for a type with a parameter leaves the parameter's own schema out.
impl<T: ToSchema> ToSchema for PartView<T> {
    fn schemas(schemas: &mut Schemas) {
        schema_of::<T>(schemas);
    }
}

impl<T> PartView<T> {
    /// A part of a list, each item shown, and named for who asks for what comes after it.
    pub fn new<I>(part: &ListPart<I>, show: impl Fn(&I) -> T, name: impl Fn(&I) -> String) -> Self {
        Self { items: part.items.iter().map(show).collect(), next: next(part, name) }
    }
}

/// A session, as who asks may see it.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct SessionShown {
    view: ShownTo,
    /// It was not there before.
    #[serde(skip)]
    pub(super) is_new: bool,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum ShownTo {
    Customer(SessionView),
    Backend(Box<DeliveryView>),
}

impl SessionShown {
    /// The session, shown to `by`.
    pub fn new(session: &Session, by: &Actor) -> Self {
        let view = if by.is_backend() {
            ShownTo::Backend(Box::new(DeliveryView::new(session)))
        } else {
            ShownTo::Customer(SessionView::new(session))
        };
        Self { view, is_new: false }
    }

    /// The same, as the answer of who opened it.
    pub fn opened(mut self, opened: &OpenedSession) -> Self {
        self.is_new = opened.is_new;
        if let ShownTo::Backend(view) = &mut self.view {
            view.external_outcome = opened.external.map(ExternalOutcome::word);
            view.customer_is = Some(opened.customer.word());
        }
        self
    }
}

/// As the backend sees it.
impl PartialSchema for SessionShown {
    fn schema() -> RefOr<Schema> {
        DeliveryView::schema()
    }
}

impl ToSchema for SessionShown {
    fn name() -> Cow<'static, str> {
        DeliveryView::name()
    }

    fn schemas(schemas: &mut Schemas) {
        DeliveryView::schemas(schemas);
    }
}

/// A portal.
#[derive(Serialize, ToSchema)]
pub struct PortalView {
    /// Its id.
    id: String,
    /// What is said of it.
    settings: PortalSettings,
    /// active, paused, or disabled: it answered 410, its grant was refused, or this instance cannot open its secrets.
    standing: &'static str,
    /// Why it is disabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    /// What is the matter with it as a whole: it is sent no more than probes, and nothing counts against messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble: Option<TroubleView>,
    /// Its webhooks that were refused and are kept: in lists, and where it is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused_hooks: Option<u64>,
    /// Where it sends its webhooks, below the server's address.
    hook: String,
    /// When it was made.
    created_at: String,
    /// When it last took something, to about a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    succeeded_at: Option<String>,
    /// What our webhooks are signed with. Shown once: when it is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    outgoing_secret: Option<String>,
    /// What its webhooks are verified with. Shown once: when it is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    incoming_secret: Option<String>,
    /// What it says in challenges. Shown once: when it is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    challenge_secret: Option<String>,
}

/// What is the matter with a portal as a whole.
#[derive(Serialize, ToSchema)]
pub struct TroubleView {
    /// down, throttled, credentials (or configuration: 401, 403) or refused (everything is).
    class: String,
    /// Its last answer.
    why: String,
    /// Since when.
    since: String,
}

impl TroubleView {
    fn new(trouble: &Trouble) -> Self {
        let Trouble { class, why, since } = trouble.clone();
        Self { class, why, since: Timestamp(since).to_string() }
    }
}

impl PortalView {
    /// A portal, without its secrets.
    pub fn new(portal: &Portal) -> Self {
        Self {
            id: portal.id.to_string(),
            settings: portal.settings.clone(),
            standing: if portal.locked.is_some() { "disabled" } else { portal.standing.word() },
            why: portal.locked.clone().or_else(|| portal.standing.why().map(ToOwned::to_owned)),
            trouble: portal.trouble.as_ref().map(TroubleView::new),
            refused_hooks: None,
            hook: format!("/hooks/{}", portal.id),
            created_at: portal.created_at.to_string(),
            succeeded_at: portal.succeeded_at.map(|at| at.to_string()),
            outgoing_secret: None,
            incoming_secret: None,
            challenge_secret: None,
        }
    }
    /// The same, and how many of its webhooks were refused and are kept.
    pub fn with_refused(self, hooks: u64) -> Self {
        Self { refused_hooks: Some(hooks), ..self }
    }

    /// The same, and what our webhooks are signed with.
    pub fn with_outgoing_secret(self, secret: String) -> Self {
        Self { outgoing_secret: Some(secret), ..self }
    }

    /// The same, and what its webhooks are verified with.
    pub fn with_incoming_secret(self, secret: String) -> Self {
        Self { incoming_secret: Some(secret), ..self }
    }

    /// The same, and what it says in challenges.
    pub fn with_challenge_secret(self, secret: String) -> Self {
        Self { challenge_secret: Some(secret), ..self }
    }
}

/// What a message sent to a portal, or would send.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrialView {
    /// Whether all calls could be made, and were taken.
    ok: bool,
    /// Why not, or why there are no more of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    /// The calls, in order.
    calls: Vec<TriedCallView>,
}

/// A call.
#[derive(Debug, Serialize, ToSchema)]
pub struct TriedCallView {
    /// Its name; of the native contract `webhook`.
    name: String,
    /// GET, POST, PUT, PATCH or DELETE.
    method: &'static str,
    /// Where to.
    url: String,
    /// Without secrets.
    headers: BTreeMap<String, String>,
    /// What is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    /// What came of it: taken, down, throttled, credentials, refused, gone. Absent: it was not made.
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<&'static str>,
    /// The status of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// How long it took, in milliseconds.
    took_ms: u64,
    /// The beginning of the answer, without secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<String>,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// What was picked from the answer.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    picked: BTreeMap<String, String>,
}

impl TrialView {
    /// What was tried.
    pub fn new(trial: Trial) -> Self {
        let Trial { calls, problem } = trial;
        Self { ok: problem.is_none(), problem, calls: calls.into_iter().map(TriedCallView::new).collect() }
    }
}

impl TriedCallView {
    fn new(call: TriedCall) -> Self {
        let TriedCall { name, method, url, headers, body, class, status, took, answer, error, picked } = call;
        let took_ms = crate::features::portals::millis(took);
        Self { name, method, url, headers, body, class, status, took_ms, answer, error, picked }
    }
}

/// `{portal}` in a path.
pub const PORTAL: PathParam = PathParam::name("portal", "The portal's id", "desk", limits::PORTAL_ID_BYTES);

/// `{session}` in a path.
pub const SESSION: PathParam = PathParam::name("session", "The session's id", "order-4711", limits::ROOM_ID_BYTES);
