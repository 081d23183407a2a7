//! How a page looks, and whether everybody can use it: sizes, themes, keys, what axe-core finds.

use super::Page;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::path::Path;

/// What is looked for: all rules that are not experiments, and the size of what is pressed besides.
const LOOKS: &str = "axe.run(document, { resultTypes: ['violations'], rules: { 'target-size': { enabled: true } } })
    .then(({ violations }) => violations.flatMap(({ id, impact, nodes }) => nodes.map((node) =>
        `${id} (${impact}): ${node.html} ${node.failureSummary.replaceAll(/\\s+/g, ' ')}`)))";

/// How far the page can be scrolled sideways, and what is wider than the window.
const SIDEWAYS: &str = "(() => {
    const wide = document.documentElement.clientWidth;
    const over = document.documentElement.scrollWidth - wide;
    const who = [...document.body.querySelectorAll('*')].filter((one) => one.getBoundingClientRect().right > wide + 1);
    return [over, who.slice(0, 5).map((one) => `${one.tagName}#${one.id}.${one.className}`).join(' ')];
})()";

impl Page {
    /// The window is so large, in CSS pixels. Half of a size is what a zoom of 200 % makes of it.
    pub async fn is_sized(&mut self, width: u32, height: u32) {
        let params = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.does("Emulation.setDeviceMetricsOverride", params).await;
        self.sees(&format!("innerWidth === {width} && innerHeight === {height}")).await;
    }

    /// Who looks prefers this, of CSS's media features: `&[("prefers-color-scheme", "dark")]`; nothing else.
    pub async fn prefers(&mut self, features: &[(&str, &str)]) {
        let all: Vec<Value> = features.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
        self.does("Emulation.setEmulatedMedia", json!({ "features": all })).await;
        for (name, value) in features {
            self.sees(&format!("matchMedia('({name}: {value})').matches")).await;
        }
    }

    /// The dark theme or the light one, without motion: what moves has no colour to be measured.
    pub async fn is_dark(&mut self, dark: bool) {
        let scheme = if dark { "dark" } else { "light" };
        self.prefers(&[("prefers-color-scheme", scheme), ("prefers-reduced-motion", "reduce")]).await;
    }

    /// What axe-core finds, of any severity, in the page as it is now.
    pub async fn findings(&mut self) -> Vec<String> {
        if self.is("typeof axe").await != "object" {
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/axe/node_modules/axe-core/axe.min.js");
            let axe = std::fs::read_to_string(path).expect("axe-core: `make sdk` installs it");
            self.does("Runtime.evaluate", json!({ "expression": axe })).await;
        }
        let params = json!({ "expression": LOOKS, "returnByValue": true, "awaitPromise": true });
        let looked = self.does("Runtime.evaluate", params).await;
        serde_json::from_value(looked["result"]["value"].clone()).unwrap_or_else(|_| panic!("axe: {looked}"))
    }

    /// axe-core finds nothing, and nothing is to be scrolled sideways. `what` says for a failure what is looked at.
    pub async fn is_for_everybody(&mut self, what: &str) {
        let findings = self.findings().await;
        assert!(findings.is_empty(), "{what}:\n{}", findings.join("\n"));
        let sideways = self.is(SIDEWAYS).await;
        assert!(sideways[0] == 0, "{what} scrolls sideways by {} px: {}", sideways[0], sideways[1]);
    }

    /// Presses a key where the focus is, by its name in the DOM; `Shift+` or `Control+` goes before it.
    ///
    /// # Panics
    /// On a key that no story has needed yet.
    pub async fn presses(&mut self, key: &str) {
        let (shift, name) = key.strip_prefix("Shift+").map_or((0, key), |name| (8, name));
        let (control, name) = name.strip_prefix("Control+").map_or((0, name), |name| (2, name));
        let (code, text) = match name {
            "Tab" => (9, ""),
            "Enter" => (13, "\r"),
            "Escape" => (27, ""),
            " " => (32, " "),
            "End" => (35, ""),
            "Home" => (36, ""),
            "ArrowLeft" => (37, ""),
            "ArrowUp" => (38, ""),
            "ArrowRight" => (39, ""),
            "ArrowDown" => (40, ""),
            letter if letter.len() == 1 => (i32::from(letter.as_bytes()[0].to_ascii_uppercase()), letter),
            other => panic!("{other}: a key without its code"),
        };
        let named = if name == " " { "Space" } else { name };
        let modifiers = shift + control;
        for kind in [if text.is_empty() || control > 0 { "rawKeyDown" } else { "keyDown" }, "keyUp"] {
            let said = if kind == "keyDown" { text } else { "" };
            let params = json!({ "type": kind, "key": name, "code": named, "text": said, "windowsVirtualKeyCode": code, "modifiers": modifiers });
            self.does("Input.dispatchKeyEvent", params).await;
        }
    }

    /// Goes on by the Tab key until this has the focus, at most `most` times. All that is passed shows that it has it.
    pub async fn tabs_to(&mut self, selector: &str, most: usize) {
        let mut passed = Vec::new();
        for _ in 0..most {
            self.presses("Tab").await;
            let now = format!(
                "(() => {{ const one = document.activeElement; const {{ outlineStyle, outlineWidth }} = getComputedStyle(one); \
                 return [one.matches({}), one === document.body || (outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2), \
                 one.outerHTML.slice(0, 120)]; }})()",
                json!(selector)
            );
            let now = self.is(&now).await;
            assert!(now[1] == true, "it does not show that it has the focus: {}", now[2]);
            if now[0] == true {
                return;
            }
            passed.push(now[2].to_string());
        }
        panic!("{selector} is not reached by the keyboard:\n{}", passed.join("\n"));
    }

    /// A picture of the window, a PNG file, where `HUBBUB_PICTURES` names a directory for it: for people to look at.
    pub async fn is_pictured(&mut self, name: &str) {
        let Some(directory) = std::env::var_os("HUBBUB_PICTURES") else { return };
        let picture = self.does("Page.captureScreenshot", json!({ "format": "png" })).await;
        let bytes = STANDARD.decode(picture["data"].as_str().unwrap_or_default()).expect("base64");
        std::fs::write(Path::new(&directory).join(format!("{name}.png")), bytes).expect("a file");
    }
}
