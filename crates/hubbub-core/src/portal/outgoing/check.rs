//! What of calls is looked at when settings are written: everything that can be told without an event.

use super::{
    Call, HttpMethod, LongText, Values,
    answer::HEADER,
    event::SEEN,
    render::check_steps,
    template::{Filter, Piece, Place, Template},
};
use crate::{
    limits,
    model::{ids::Invalid, json::is_deeper},
    portal::{address, mapping::check_pointer, settings::PortalSettings},
};
use std::collections::BTreeSet;

/// Headers that are not the settings' to say: what a connection is made of, and what authorises.
const NOT_OURS: [&str; 16] = [
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "cookie",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "webhook-signature",
    "webhook-timestamp",
];

/// The types of events there are.
const KINDS: [&str; 6] =
    ["message.created", "message.edited", "message.deleted", "session.opened", "session.waiting", "session.closed"];

/// Checks what of a portal's settings says how it is called.
///
/// # Errors
/// The field, and what is wrong with it.
pub fn check(settings: &PortalSettings) -> Result<(), Invalid> {
    check_vars(settings)?;
    let calls = &settings.calls;
    if calls.is_empty() {
        return Ok(());
    }
    let Some(url) = &settings.url else { return Err(Invalid::new("url", "missing; calls need one")) };
    if calls.len() > limits::CALLS {
        return Err(Invalid::new("calls", format!("{} of them; the limit is {}", calls.len(), limits::CALLS)));
    }
    if settings.answer_external.is_some() {
        return Err(Invalid::new("answer_external", "with calls, a call picks `external`"));
    }
    if url.contains(['{', '}']) {
        return Err(Invalid::new("url", "it is literal, and no template: `path`, `query` and `vars` are"));
    }
    if address::parse(url)?.query().is_some() && calls.iter().any(|call| call.path.is_some()) {
        return Err(Invalid::new("url", "it has a query, and a call has a path, which would stand behind it"));
    }
    let picked: BTreeSet<&str> = calls.iter().flat_map(|call| call.pick.keys()).map(String::as_str).collect();
    let mut names = BTreeSet::new();
    for (n, call) in calls.iter().enumerate() {
        check_name(&call.name).map_err(|why| Invalid::new("calls", format!("call {n}: name: {why}")))?;
        if !names.insert(&call.name) {
            return Err(Invalid::new("calls", format!("`{}`: name: two calls have it", call.name)));
        }
        let found = Look { settings, picked: &picked, call }.check();
        found.map_err(|why| Invalid::new("calls", format!("`{}`: {why}", call.name)))?;
    }
    Ok(())
}

fn check_vars(settings: &PortalSettings) -> Result<(), Invalid> {
    let vars = &settings.vars;
    let wrong = |why: String| Err(Invalid::new("vars", why));
    if vars.len() > limits::VARS {
        return wrong(format!("{} of them; the limit is {}", vars.len(), limits::VARS));
    }
    for (name, value) in vars {
        if let Err(why) = check_name(name) {
            return wrong(format!("`{name}`: {why}"));
        }
        if value.len() > limits::VAR_BYTES {
            return wrong(format!("`{name}`: {} bytes; the limit is {}", value.len(), limits::VAR_BYTES));
        }
    }
    Ok(())
}

fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("empty".into());
    }
    if name.len() > limits::CALL_NAME_BYTES {
        return Err(format!("{} bytes; the limit is {}", name.len(), limits::CALL_NAME_BYTES));
    }
    if !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')) {
        return Err("only A-Z a-z 0-9 _ - are allowed".into());
    }
    Ok(())
}

fn is_header_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c))
}

/// Checks where in an answer something is picked from: a pointer, or a header.
fn check_picked(place: &str) -> Result<(), String> {
    match place.strip_prefix(HEADER) {
        Some(name) if is_header_name(name) => Ok(()),
        Some(name) => Err(format!("`{name}` is no name of a header")),
        None => check_pointer("pointer", place).map_err(|why| why.problem),
    }
}

/// One call among the others.
struct Look<'s> {
    settings: &'s PortalSettings,
    /// What the calls pick.
    picked: &'s BTreeSet<&'s str>,
    call: &'s Call,
}

impl Look<'_> {
    fn check(&self) -> Result<(), String> {
        let call = self.call;
        if let Some(kind) = call.events.iter().find(|kind| !KINDS.contains(&kind.as_str())) {
            return Err(format!("for: `{kind}` is none of {}", KINDS.join(", ")));
        }
        for (field, pointer) in [("when", &call.when), ("unless", &call.unless)] {
            if let Some(pointer) = pointer {
                check_pointer("pointer", pointer).map_err(|why| format!("{field}: {}", why.problem))?;
                self.check_seen(pointer).map_err(|why| format!("{field}: {why}"))?;
            }
        }
        let mut fault = None;
        call.each_template(&mut |field, template| {
            if fault.is_none() {
                fault = self.check_template(template).err().map(|why| format!("{field}: {why}"));
            }
        });
        fault.map_or(Ok(()), Err)?;
        self.check_path()?;
        self.check_headers()?;
        self.check_body()?;
        self.check_answer()?;
        self.check_text()
    }

    fn check_template(&self, text: &str) -> Result<(), String> {
        if text.len() > limits::TEMPLATE_BYTES {
            return Err(format!("{} bytes; the limit of a template is {}", text.len(), limits::TEMPLATE_BYTES));
        }
        let template = Template::parse(text).map_err(|why| why.to_string())?;
        template.places().try_for_each(|place| self.check_place(place))
    }

    fn check_place(&self, place: &Place<'_>) -> Result<(), String> {
        for pointer in &place.pointers {
            self.check_seen(pointer)?;
            let Some(name) = pointer.strip_prefix("/vars/") else { continue };
            if !place.optional && place.pointers.len() == 1 && self.settings.vars.get(name).is_none_or(String::is_empty)
            {
                return Err(format!("`{pointer}` finds nothing: `vars` has to say what `{name}` is"));
            }
        }
        Ok(())
    }

    /// Whether there is such a place in an event.
    fn check_seen(&self, pointer: &str) -> Result<(), String> {
        let mut steps = pointer.split('/').skip(1);
        let first = steps.next().unwrap_or_default();
        let Some((_, below)) = SEEN.iter().find(|(name, _)| *name == first) else {
            let known: Vec<_> = SEEN.iter().map(|(name, _)| format!("/{name}")).collect();
            return Err(format!("`{pointer}` is nowhere in an event, which has {}", known.join(", ")));
        };
        let second = steps.next();
        if *below != ["*"] && second.is_some_and(|second| !below.contains(&second)) {
            return Err(format!("`{pointer}` is nowhere in an event: `/{first}` has {}", below.join(", ")));
        }
        if let Some(name) = pointer.strip_prefix("/session/refs/")
            && !self.picked.contains(name)
        {
            return Err(format!("`{pointer}` finds nothing: no call picks `{name}`"));
        }
        Ok(())
    }

    fn check_path(&self) -> Result<(), String> {
        let Some(path) = &self.call.path else { return Ok(()) };
        let template = Template::parse(path).map_err(|why| why.to_string())?;
        let wrong = |why: &str| Err(format!("path: {why}"));
        if !matches!(template.pieces().first(), Some(Piece::Text(text)) if text.starts_with('/')) {
            return wrong("it begins with /");
        }
        let mut steps = String::new();
        for piece in template.pieces() {
            match piece {
                // Whatever stands there is no step up by itself.
                Piece::Place(place) if place.optional => return wrong("what stands in a path may not find nothing"),
                Piece::Place(_) => steps.push('x'),
                Piece::Brace(_) => return wrong("a brace is written %7B or %7D there"),
                Piece::Text(text) => {
                    let fits = |c: char| c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@/%".contains(c);
                    if let Some(c) = text.chars().find(|c| !fits(*c)) {
                        return wrong(&format!(
                            "`{c}` cannot stand in a path as it is; the query has a field of its own"
                        ));
                    }
                    steps.push_str(text);
                }
            }
        }
        check_steps(&steps).map_err(|why| format!("path: {why}"))
    }

    fn check_headers(&self) -> Result<(), String> {
        for (field, names) in [("headers", &self.call.headers), ("query", &self.call.query)] {
            if names.len() > limits::CALL_HEADERS {
                return Err(format!("{field}: {} of them; the limit is {}", names.len(), limits::CALL_HEADERS));
            }
        }
        let mut names = BTreeSet::new();
        for (name, value) in &self.call.headers {
            let lower = name.to_ascii_lowercase();
            if !is_header_name(name) {
                return Err(format!("headers: `{name}` is no name of a header; names are literal"));
            }
            if NOT_OURS.contains(&lower.as_str()) {
                return Err(format!("headers: `{name}` is not for a call to say; `auth` says what authorises"));
            }
            if value.chars().any(char::is_control) {
                return Err(format!("headers, `{name}`: a control character cannot stand in a header"));
            }
            if !names.insert(lower) {
                return Err(format!("headers: `{name}` is there twice"));
            }
        }
        Ok(())
    }

    fn check_body(&self) -> Result<(), String> {
        let call = self.call;
        let bodies = [call.json.is_some(), call.form.is_some(), call.text.is_some()];
        let bodies = bodies.into_iter().filter(|is| *is).count();
        if bodies > 1 {
            return Err("json, form, text: one of them at most is the body".into());
        }
        if bodies > 0 && call.method == HttpMethod::Get {
            return Err("method: a GET has no body".into());
        }
        let written = [call.json.as_ref().map(ToString::to_string)].into_iter().flatten();
        let written = written.chain(call.form.iter().flatten().map(|(_, value)| value.to_string()));
        for json in written {
            if is_deeper(json.as_bytes(), limits::JSON_DEPTH) {
                return Err(format!("json: nested deeper than {} levels", limits::JSON_DEPTH));
            }
        }
        Ok(())
    }

    fn check_answer(&self) -> Result<(), String> {
        let call = self.call;
        if let Some(status) = call.success.status.iter().find(|status| !(200..=599).contains(*status)) {
            return Err(format!("success, status: {status}; it is 200 to 599"));
        }
        let values: [(&str, &Values); 5] = [
            ("require", &call.success.require),
            ("done", &call.success.done),
            ("throttled", &call.success.throttled),
            ("credentials", &call.success.credentials),
            ("down", &call.success.down),
        ];
        for (field, values) in values {
            for (pointer, values) in values {
                check_pointer("pointer", pointer).map_err(|why| format!("success, {field}: {}", why.problem))?;
                if values.is_empty() {
                    return Err(format!("success, {field}: `{pointer}` has no value that would do"));
                }
            }
        }
        if call.pick.len() > limits::PICKS {
            return Err(format!("pick: {} of them; the limit is {}", call.pick.len(), limits::PICKS));
        }
        for (name, pointer) in &call.pick {
            check_name(name).map_err(|why| format!("pick: `{name}`: {why}"))?;
            check_picked(pointer).map_err(|why| format!("pick, `{name}`: {why}"))?;
        }
        if call.each.is_none() && !call.matching.is_empty() {
            return Err("where: only with `each`, in whose items it is looked up".into());
        }
        for pointer in call.matching.keys() {
            check_pointer("pointer", pointer).map_err(|why| format!("where: {}", why.problem))?;
        }
        call.message_id.as_deref().map_or(Ok(()), check_picked).map_err(|why| format!("message_id: {why}"))?;
        for (field, pointer) in [("each", &call.each), ("found", &call.found)] {
            let checked = pointer.as_deref().map_or(Ok(()), |pointer| check_pointer("pointer", pointer));
            checked.map_err(|why| format!("{field}: {}", why.problem))?;
        }
        if call.each.is_some() && call.pick.is_empty() && call.message_id.is_none() {
            return Err("each: of its items nothing is picked".into());
        }
        if call.found.is_some() && call.pick.is_empty() {
            return Err("found: a search of which nothing is picked is for nothing".into());
        }
        Ok(())
    }

    fn check_text(&self) -> Result<(), String> {
        let call = self.call;
        let Some(limit) = call.text_limit else {
            return match call.long_text {
                LongText::Refuse => Ok(()),
                LongText::Split | LongText::Cut => Err("long_text: only with a text_limit".into()),
            };
        };
        let (least, most) = (limits::TEXT_LIMIT_MIN, limits::TEXT_BYTES);
        if !(least..=most).contains(&limit) {
            return Err(format!("text_limit: {limit}; it is {least} to {most}"));
        }
        let (mut is_there, mut is_coded) = (false, false);
        call.each_template(&mut |_, template| {
            let template = Template::parse(template);
            for place in template.iter().flat_map(Template::places) {
                let is_text = place.pointers.contains(&"/message/text");
                is_there |= is_text;
                is_coded |= is_text && place.filters.contains(&Filter::Base64);
            }
        });
        if !is_there {
            return Err("text_limit: no template of the call holds /message/text".into());
        }
        if is_coded {
            return Err("text_limit: in base64 the text has other characters than it has".into());
        }
        Ok(())
    }
}
