//! The calls of one event, one after another: which is next, and what came of it. Between two of them how far they have come is
//! kept by whoever makes them, so that nothing that was taken is sent again.

use super::{
    Call,
    event::{Document, Event, TextPart},
    render::Request,
    search::taken_up_at,
    template::Fault,
};
use crate::delivery::progress::{Parted, Picked, Progress};

/// See the module.
#[derive(Debug, Clone)]
pub struct Walk<'a> {
    base: &'a str,
    calls: &'a [Call],
    event: Event<'a>,
    /// What the session has, with what was picked since.
    picked: Picked,
    progress: Progress,
}

/// A call that is to be made now.
#[derive(Debug)]
pub struct Step<'a> {
    /// The call.
    pub call: &'a Call,
    /// What is sent.
    pub request: Request,
    /// Which part of the text, from 1, of how many.
    pub part: (usize, usize),
    /// What its templates saw.
    seen: Document,
    /// Where the next part begins, where there is one.
    next_part: Option<usize>,
}

impl Step<'_> {
    /// The call's name, with the part where there are several.
    pub fn shown(&self) -> String {
        match self.part {
            (_, 1) => self.call.name.clone(),
            (part, parts) => format!("{} ({part} of {parts})", self.call.name),
        }
    }
}

/// A call that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("call `{call}`: {why}")]
pub struct Unmade {
    /// Its name.
    pub call: String,
    /// Why.
    pub why: String,
}

impl<'a> Walk<'a> {
    /// The calls for an event of a session that has `picked` already, after those that `progress` says were made.
    pub fn new(
        base: &'a str,
        calls: &'a [Call],
        event: Event<'a>,
        mut picked: Picked,
        progress: Option<Progress>,
    ) -> Self {
        let seq = event.entry.seq.get();
        let progress = progress.filter(|progress| progress.seq == seq);
        let mut progress = progress.unwrap_or_else(|| Progress { seq, ..Progress::default() });
        let done = calls.iter().take_while(|call| progress.done.contains(&call.name)).count();
        if progress.parted.is_none() {
            for call in &calls[taken_up_at(calls, done)..done] {
                progress.done.retain(|name| *name != call.name);
            }
        }
        picked.take_in(&progress.picked);
        Self { base, calls, event, picked, progress }
    }

    /// How far it has come.
    pub const fn progress(&self) -> &Progress {
        &self.progress
    }

    /// What the session has by now.
    pub const fn picked(&self) -> &Picked {
        &self.picked
    }

    /// The next call; `None`: all are made.
    ///
    /// # Errors
    /// Why the next call cannot be made of this event.
    pub fn next_call(&mut self) -> Result<Option<Step<'a>>, Unmade> {
        for call in self.calls {
            if self.progress.done.contains(&call.name) {
                continue;
            }
            let unmade = |why: Fault| Unmade { call: call.name.clone(), why: why.0 };
            let begun = self.progress.parted.as_ref().filter(|parted| parted.call == call.name);
            let (bytes, parts) = begun.map_or((0, 0), |parted| (parted.bytes, parted.parts));
            // What has begun goes on: what it picked itself does not stop it.
            if parts == 0 {
                let seen = self.event.document(&self.picked, None);
                let finds = |pointer: &Option<String>| pointer.as_deref().map(|pointer| seen.finds(pointer));
                if !call.is_for(self.event.kind)
                    || finds(&call.when) == Some(false)
                    || finds(&call.unless) == Some(true)
                {
                    self.progress.done.push(call.name.clone());
                    continue;
                }
            }
            let text = self.event.text();
            let rest = text.get(bytes..).unwrap_or_default();
            let texts = call.texts(rest).map_err(unmade)?;
            let Some((_, text)) = texts.first() else { return Ok(None) };
            // What went out in parts is deleted part by part.
            let pieces = self.event.pieces().len();
            let pieces = if pieces > 0 && call.names("/message/external") { pieces.max(parts + 1) } else { 0 };
            let part = if pieces > 0 { (parts + 1, pieces) } else { (parts + 1, parts + texts.len()) };
            let seen = self.event.document(&self.picked, Some(TextPart { text, part: part.0, parts: part.1 }));
            let request = call.request(self.base, &seen).map_err(unmade)?;
            let next_part = match pieces {
                0 => texts.get(1).map(|(at, _)| bytes + at),
                _ => (part.0 < part.1).then_some(0),
            };
            return Ok(Some(Step { call, request, part, seen, next_part }));
        }
        Ok(None)
    }

    /// The call is taken for made, without an answer: what would be picked has a name instead, and a search has found nothing.
    pub fn assumed(&mut self, step: &Step<'_>) {
        if !step.call.is_search() {
            for name in step.call.pick.keys() {
                let stand_in = format!("picked-{name}");
                match name.as_str() {
                    "external" => self.picked.external = Some(stand_in),
                    _ => drop(self.picked.refs.insert(name.clone(), stand_in)),
                }
            }
        }
        self.passed(step);
    }

    /// The call was made, and this is its answer of success, with its headers. Says what it told.
    pub fn made(&mut self, step: &Step<'_>, body: &[u8], headers: &[(String, String)]) -> super::answer::Told {
        let told = step.call.tells(body, headers, &step.seen).unwrap_or_default();
        self.picked.take_in(&told.picked);
        self.progress.picked.take_in(&told.picked);
        self.passed(step);
        told
    }

    /// It is behind us.
    fn passed(&mut self, step: &Step<'_>) {
        let call = step.call.name.clone();
        match step.next_part {
            Some(bytes) => self.progress.parted = Some(Parted { call, bytes, parts: step.part.0 }),
            None => {
                self.progress.done.push(call);
                self.progress.parted = None;
            }
        }
    }
}
