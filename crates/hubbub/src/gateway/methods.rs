//! The methods that clients have by `rpc`.

use crate::{
    chat::methods::{Actor, Edge, Method, MethodError, Provides, RestMethod, RpcMethod, send::SendMessage},
    metrics::{MethodMetrics, Outcomes},
};
use futures_util::future::BoxFuture;
use hubbub_core::wire::{
    error::CommandError,
    rpc::{MethodHandle, RawData, RpcMethods},
};
use std::sync::Arc;

/// A call under way. It answers with JSON.
pub type Running = BoxFuture<'static, Result<String, CommandError>>;

/// Reads the data of a call and begins with it.
type Start = dyn Fn(Actor, &RawData) -> Result<Running, CommandError> + Send + Sync;

/// One method.
pub struct RpcEntry {
    /// Its name.
    pub name: &'static str,
    handle: MethodHandle,
    start: Box<Start>,
}

impl RpcEntry {
    /// Reads the data of a call and begins with it.
    ///
    /// # Errors
    /// Where the data makes no sense.
    pub fn start(&self, by: Actor, data: &RawData) -> Result<Running, CommandError> {
        (self.start)(by, data)
    }
}

/// See the module.
pub struct RpcTable {
    /// What became of sends, which are not begun by [`RpcEntry::start`].
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
        let handle = MethodHandle { index: self.methods.len(), cost: M::COST };
        let (on, outcomes) = (self.on.provide(), self.metrics.of(M::NAME));
        let start = move |by, data: &RawData| {
            start::<M>(on.clone(), by, data, outcomes.clone()).inspect_err(|_| outcomes.count(Err(false)))
        };
        self.methods.push(RpcEntry { name: M::NAME, handle, start: Box::new(start) });
    }

    fn rest<M: RestMethod<On = On>>(&mut self) {}
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
    use hubbub_core::wire::rpc::Cost;

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
        assert_eq!(table.find("send").unwrap().cost, Cost::Send);
        assert_eq!(table.find("messages").unwrap().cost, Cost::Page);
        assert_eq!(table.find("join").unwrap().cost, Cost::Plain);
    }
}
