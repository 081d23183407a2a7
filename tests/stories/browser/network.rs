//! What a browser has of a network.

use super::Page;
use serde_json::json;

impl Page {
    /// This window has no network, or has it again.
    pub async fn is_offline(&mut self, offline: bool) {
        self.does("Network.enable", json!({})).await;
        let params = json!({ "offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1 });
        self.does("Network.emulateNetworkConditions", params).await;
        self.sees(&format!("navigator.onLine === {}", !offline)).await;
    }

    /// Clicks on what this expression finds, once it is there.
    pub async fn clicks_on(&mut self, expression: &str) {
        self.sees(&format!(
            "(() => {{ const one = {expression}; if (!one) return false; \
             document.querySelector('[data-told]')?.removeAttribute('data-told'); \
             one.setAttribute('data-told', ''); return true; }})()"
        ))
        .await;
        self.clicks("[data-told]").await;
    }
}
