//! The methods that clients have by `rpc`.

use crate::{
    chat::methods::{
        Actor, Edge, Method, MethodError, Provides, RestMethod, RpcMethod, send::SendMessage, writing::Writing,
    },
    metrics::{MethodMetrics, Outcomes},
};
use futures_util::future::BoxFuture;
use hubbub_core::wire::{
    error::CommandError,
    rpc::{Cost, MethodHandle, RawData, RpcMethods},
};
use std::sync::Arc;

/// A call under way. It answers with JSON.
pub type Running = BoxFuture<'static, Result<String, CommandError>>;

/// Reads the data of a call and begins with it.
type Start = dyn Fn(Actor, &RawData) -> Result<Running, CommandError> + Send + Sync;

/// Reads the data of a call as the entry that it is to write.
type Read = fn(&RawData) -> Result<Writing, CommandError>;

/// One method.
pub struct RpcEntry {
    /// Its name.
    pub name: &'static str,
    /// What is counted of it.
    pub outcomes: Outcomes,
    handle: MethodHandle,
    start: Box<Start>,
    read: Option<Read>,
}

impl RpcEntry {
    /// Reads the data of a call and begins with it.
    ///
    /// # Errors
    /// Where the data makes no sense.
    pub fn start(&self, by: Actor, data: &RawData) -> Result<Running, CommandError> {
        (self.start)(by, data)
    }

    /// Reads the data of a call of a method that writes.
    ///
    /// # Errors
    /// Where the data makes no sense.
    pub fn writing(&self, data: &RawData) -> Result<Writing, CommandError> {
        self.read.map_or(Err(CommandError::INTERNAL), |read| read(data))
    }
}

/// See the module.
pub struct RpcTable {
    /// What became of sends, by `publish`.
    pub sends: Outcomes,
    methods: Vec<RpcEntry>,
    by_name: Vec<(&'static str, MethodHandle)>,
}

/// A table that is being made.
pub struct RpcTableBuilder<'a, P> {
    on: &'a P,
    metrics: &'a MethodMetrics,
    methods: Vec<RpcEntry>,
}

impl RpcTable {
    /// The table of the methods that `list` names. They run on what `on` has.
    pub fn new<'a, P>(on: &'a P, metrics: &'a MethodMetrics, list: impl FnOnce(&mut RpcTableBuilder<'a, P>)) -> Self {
        let mut table = RpcTableBuilder { on, metrics, methods: Vec::new() };
        list(&mut table);
        let methods = table.methods;
        let mut by_name: Vec<_> = methods.iter().map(|entry| (entry.name, entry.handle)).collect();
        by_name.sort_unstable_by_key(|(name, _)| *name);
        Self { sends: metrics.of(SendMessage::NAME), methods, by_name }
    }

    /// The method of a handle that this table gave.
    pub fn get(&self, handle: MethodHandle) -> &RpcEntry {
        &self.methods[handle.index]
    }
}

impl RpcMethods for RpcTable {
    fn find(&self, name: &str) -> Option<MethodHandle> {
        let at = self.by_name.binary_search_by_key(&name, |(known, _)| known).ok()?;
        Some(self.by_name[at].1)
    }
}

impl<On: Send + Sync + 'static, P: Provides<On>> Edge<On> for RpcTableBuilder<'_, P> {
    fn rpc<M: RpcMethod<On = On>>(&mut self) {
        self.add::<On, M>(M::COST, None);
    }

    fn write<M: RpcMethod<On = On, Request = Writing>>(&mut self) {
        self.add::<On, M>(Cost::Send, Some(|data| Ok(M::read(data.read()?)?)));
    }

    fn rest<M: RestMethod<On = On>>(&mut self) {}
}

impl<P> RpcTableBuilder<'_, P> {
    fn add<On: Send + Sync + 'static, M: RpcMethod<On = On>>(&mut self, cost: Cost, read: Option<Read>)
    where
        P: Provides<On>,
    {
        let handle = MethodHandle { index: self.methods.len(), cost };
        let (on, outcomes) = (self.on.provide(), self.metrics.of(M::NAME));
        let counted = outcomes.clone();
        let start = move |by, data: &RawData| {
            start::<M>(on.clone(), by, data, counted.clone()).inspect_err(|_| counted.count(Err(false)))
        };
        self.methods.push(RpcEntry { name: M::NAME, outcomes, handle, start: Box::new(start), read });
    }
}

fn start<M: RpcMethod>(on: Arc<M::On>, by: Actor, data: &RawData, outcomes: Outcomes) -> Result<Running, CommandError> {
    let request = M::read(data.read()?)?;
    Ok(Box::pin(async move {
        let answered = M::run(&on, &by, request).await;
        outcomes.count(answered.as_ref().map(|_| ()).map_err(MethodError::is_failure));
        serde_json::to_string(&answered?).map_err(|_| CommandError::INTERNAL)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{Chat, methods};

    #[tokio::test]
    async fn every_method_is_found_by_its_name_and_no_name_is_there_twice() {
        let directory = tempfile::tempdir().unwrap();
        let chat = Arc::new(Chat::alone(&directory.path().join("hubbub.db")));
        let table = RpcTable::new(&chat, &MethodMetrics::default(), methods::list);
        for entry in &table.methods {
            let found = table.find(entry.name).unwrap();
            assert_eq!(table.get(found).name, entry.name);
        }
        assert!(table.by_name.windows(2).all(|pair| pair[0].0 != pair[1].0));
        assert_eq!(table.find("dance"), None);
        for writes in ["send", "edit", "unmute", "set_role", "change_room"] {
            let handle = table.find(writes).unwrap();
            assert_eq!(handle.cost, Cost::Send);
            assert_ne!(table.get(handle).writing(&RawData::default()), Err(CommandError::INTERNAL), "{writes}");
        }
        assert_eq!(table.find("messages").unwrap().cost, Cost::Page);
        assert_eq!(table.find("join").unwrap().cost, Cost::Plain);
    }
}
