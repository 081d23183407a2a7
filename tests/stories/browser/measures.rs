//! What is measured of a page as it is: whether all of it is on the screen, and whether the keyboard reaches it.

use super::Page;
use serde_json::{Value, json};

/// What sticks out of the window, what is wider than its place and not cut with an ellipsis, what is cut off below. The dot of a picture
/// sticks out of it, as it should.
const CUT: &str = r"(() => {
    const wide = document.documentElement.clientWidth;
    const name = (one) => `${one.tagName.toLowerCase()}#${one.id}.${one.getAttribute('class')} «${(one.innerText ?? '').slice(0, 40).replaceAll('\n', ' ')}»`;
    const said = [];
    for (const one of document.body.querySelectorAll('*')) {
        const { visibility, display, overflowY, textOverflow } = getComputedStyle(one);
        const { left, right, width, height } = one.getBoundingClientRect();
        if (visibility === 'hidden' || width <= 1 || height <= 1 || one.closest('.heard, [inert], .avatar')) continue;
        // What is inside of something that scrolls or ends with an ellipsis is there, or is said to go on.
        let around = one.parentElement;
        while (around && getComputedStyle(around).overflowX === 'visible') around = around.parentElement;
        if (around === document.body && (right > wide + 1 || left < -1)) said.push(`outside: ${name(one)} ${Math.round(left)} to ${Math.round(right)}`);
        if (display === 'inline' || one.clientWidth === 0 || one.matches('textarea, input')) continue;
        // Only code may be scrolled sideways.
        if (!one.matches('pre, .picker-viewport') && textOverflow !== 'ellipsis' && one.scrollWidth > one.clientWidth + 1) said.push(`too wide: ${name(one)} ${one.scrollWidth} of ${one.clientWidth}`);
        if (overflowY === 'hidden' && one.scrollHeight > one.clientHeight + 2) said.push(`too high: ${name(one)} ${one.scrollHeight} of ${one.clientHeight}`);
    }
    return said;
})()";

/// What the keyboard should reach: each gets a number. Of a group of radio buttons it reaches one.
const REACHED: &str = r"(() => {
    window.reached = new Set();
    window.reachable = [...document.querySelectorAll('a[href], button, input, select, textarea, [tabindex]')].filter((one) =>
        one.tabIndex >= 0 && !one.disabled && !one.closest('[inert]') && one.getClientRects().length && getComputedStyle(one).visibility !== 'hidden'
        && !(one.type === 'radio' && !one.checked));
    addEventListener('focusin', ({ target }) => window.reached.add(target), true);
    document.activeElement.blur();
    return window.reachable.length;
})()";

impl Page {
    /// Nothing sticks out sideways, and no text is cut off. `what` says for a failure what is looked at.
    pub async fn is_whole(&mut self, what: &str) {
        // What comes and goes with a size is measured once it is there.
        let cut: Vec<String> = self.settles(CUT).await;
        assert!(cut.is_empty(), "{what}:\n{}", cut.join("\n"));
    }

    /// The Tab key comes to everything that can have the focus.
    pub async fn is_reached_by_keyboard(&mut self, what: &str) {
        let all = self.is(REACHED).await.as_u64().expect("a number");
        assert!(all > 3, "{what}: there is nothing to reach");
        for _ in 0..all + 5 {
            self.presses("Tab").await;
        }
        let missed = "window.reachable.filter((one) => one.isConnected && !window.reached.has(one)).map((one) => one.outerHTML.slice(0, 160))";
        assert_eq!(self.is(missed).await, json!([]), "{what}: the keyboard does not come here");
    }

    /// A list of faults that is empty, or is the same for two looks: then it is no passing one.
    async fn settles(&mut self, expression: &str) -> Vec<String> {
        let mut before: Option<Vec<String>> = None;
        loop {
            let frame = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))";
            self.is(frame).await;
            let now: Vec<String> = serde_json::from_value(self.is(expression).await).expect("a list");
            if now.is_empty() || before.as_ref() == Some(&now) {
                return now;
            }
            before = Some(now);
        }
    }

    /// A finger is all there is, on a narrow screen; it holds from the next load on.
    pub async fn is_touched(&mut self) {
        self.does("Emulation.setTouchEmulationEnabled", json!({ "enabled": true, "maxTouchPoints": 5 })).await;
        let params = json!({ "width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": true });
        self.does("Emulation.setDeviceMetricsOverride", params).await;
        self.sees("matchMedia('(hover: none) and (pointer: coarse)').matches").await;
    }

    /// The size of text that the browser is set to, in pixels; 16 is usual. Twice that is a zoom of text alone.
    pub async fn has_letters_of(&mut self, pixels: u32) {
        let params = json!({ "fontSizes": { "standard": pixels, "fixed": pixels * 13 / 16 } });
        self.does("Page.setFontSizes", params).await;
        self.sees(&format!("getComputedStyle(document.documentElement).fontSize === '{pixels}px'")).await;
    }

    /// The page is written in this direction: `ltr` or `rtl`.
    pub async fn is_written(&mut self, direction: &str) {
        self.is(&format!("document.documentElement.dir = '{direction}'")).await;
    }

    /// A list of numbers that an expression is.
    pub async fn numbers(&mut self, expression: &str) -> Vec<f64> {
        let list: Value = self.is(expression).await;
        serde_json::from_value(list).unwrap_or_else(|_| panic!("no numbers: {expression}"))
    }
}
