//! What is done outside of any room's log is written down first: nothing of it is done without.

use super::{
    Chat,
    methods::{MethodError, Problem},
};
use crate::{log::Summary, store::audit::NewAct};
use hubbub_core::model::ids::UserId;

/// Acts whose outcome could not be written down.
static OPEN: Summary = Summary::new("it could not be written down what became of audited acts");

impl Chat {
    /// Does something, and keeps who has asked for it and what became of it. What cannot be written down is not done.
    ///
    /// # Errors
    /// That of the act, or the store's.
    pub async fn audited<T>(
        &self,
        actor: &UserId,
        act: &'static str,
        subject: String,
        work: impl Future<Output = Result<T, MethodError>> + Send,
    ) -> Result<T, MethodError> {
        let number = self.store.begin_act(&NewAct { actor: actor.clone(), act, subject }).await?;
        let done = work.await;
        let outcome = done.as_ref().map_or_else(|error| Problem::from(error.clone()).code, |_| "done");
        // It is done: that its row stays open says no more than that.
        if let Err(error) = self.store.end_act(number, outcome).await {
            OPEN.note(|| error.to_string());
        }
        done
    }
}
