//! `rpc`, as the wire knows it: which methods there are, what each costs a connection, and the data of a call as it came.
//!
//! What a method does with its data is its own business, in a file of the program.

use super::error::CommandError;
use crate::model::misread;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

/// What a call takes of what one connection may have under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cost {
    /// One of [`IN_FLIGHT`](crate::limits::IN_FLIGHT) commands.
    Plain,
    /// Besides, one of [`PAGES_IN_FLIGHT`](crate::limits::PAGES_IN_FLIGHT) pages.
    Page,
    /// Besides, one of the sends that an operator allows in a second. Those of one connection keep their order in a room.
    Send,
}

/// A method in the table it was found in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MethodHandle {
    /// Where it stands in the table.
    pub index: usize,
    /// What a call of it costs.
    pub cost: Cost,
}

/// The table of methods that `rpc` has.
pub trait RpcMethods {
    /// The method of this name, if there is one.
    fn find(&self, name: &str) -> Option<MethodHandle>;
}

/// JSON as a client wrote it. It is a part of the frame it came in, and not a copy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RawData(Bytes);

impl RawData {
    /// The part of `frame` that `raw` was read from; none where nothing was given.
    pub(super) fn within(frame: &Bytes, raw: Option<&RawValue>) -> Self {
        Self(raw.map_or_else(Bytes::new, |raw| frame.slice_ref(raw.get().as_bytes())))
    }

    /// A copy of JSON text that came in no frame.
    pub fn from_json(json: &str) -> Self {
        Self(Bytes::copy_from_slice(json.as_bytes()))
    }

    /// The JSON text; empty where nothing was given.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Reads an object; where nothing was given, an empty one.
    ///
    /// # Errors
    /// 107, with what is wrong and where.
    pub fn read<'a, T: Deserialize<'a>>(&'a self) -> Result<T, CommandError> {
        let json = if self.0.is_empty() { "{}" } else { self.as_str() };
        // An array would be taken for the fields in their order.
        if !json.starts_with('{') {
            return Err(CommandError::bad_request("data: a JSON object is expected"));
        }
        misread::read("data", json).map_err(CommandError::bad_request)
    }
}

/// A call of a method that there is, with data that has not been looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The method.
    pub method: MethodHandle,
    /// What it is called with.
    pub data: RawData,
}

impl Call {
    /// A call of the method of this name.
    ///
    /// # Errors
    /// 104, where there is none.
    pub fn new(methods: &dyn RpcMethods, name: &str, data: RawData) -> Result<Self, CommandError> {
        let method = methods.find(name).ok_or_else(|| CommandError::unknown_method(name))?;
        Ok(Self { method, data })
    }
}

/// Some methods, for tests of the wire.
#[cfg(test)]
pub(crate) struct SomeMethods;

#[cfg(test)]
impl RpcMethods for SomeMethods {
    fn find(&self, name: &str) -> Option<MethodHandle> {
        let methods = [("join", Cost::Plain), ("rooms", Cost::Page), ("send", Cost::Send)];
        let index = methods.iter().position(|(known, _)| *known == name)?;
        Some(MethodHandle { index, cost: methods[index].1 })
    }
}
