//! What a client asks for along with `connect`.

use serde::Deserialize;
use serde_json::value::RawValue;

/// What a client says in `data` of `connect` that it wants to be told. Clients that know nothing of it are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wants {
    /// Signals: publications without an offset.
    pub signals: bool,
    /// That something has happened in any of its user's rooms.
    pub activity: bool,
}

impl Wants {
    /// Reads `data`. It may be the product's own: what is not understood wants nothing.
    pub(super) fn read(data: &str) -> Self {
        #[derive(Deserialize)]
        struct Data<'a> {
            #[serde(borrow, default)]
            signals: Option<&'a RawValue>,
            #[serde(borrow, default)]
            activity: Option<&'a RawValue>,
        }
        let is_true = |raw: Option<&RawValue>| raw.is_some_and(|raw| raw.get() == "true");
        match serde_json::from_str::<Data<'_>>(data) {
            // An array would be taken for the fields in their order.
            Ok(Data { signals, activity }) if data.trim_start().starts_with('{') => {
                Self { signals: is_true(signals), activity: is_true(activity) }
            }
            _ => Self::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_wants_to_be_told_is_said_in_so_many_words() {
        let wants = |data: &str| {
            let wants = Wants::read(data);
            (wants.signals, wants.activity)
        };
        assert_eq!(wants(r#"{"signals":true,"activity": true}"#), (true, true));
        assert_eq!(wants(r#" {"activity":true,"mine":[1]}"#), (false, true));
        let own = ["", "{}", "null", "7", "[true,true]", r#""signals""#, r#"{"signals":"true","activity":1}"#, "{"];
        for own in own {
            assert_eq!(wants(own), (false, false), "{own}");
        }
    }
}
