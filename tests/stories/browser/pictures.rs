//! Reference pictures: how a page looked when somebody last looked at it, and whether it still does.
//! `docs/decisions/0096-reference-pictures.md` says what is compared, and how strictly.

use super::{Browser, Page};
use crate::{cluster::breathe, wire::DEADLINE};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::{path::PathBuf, time::Instant};

/// Set: what differs becomes the reference.
const UPDATE: &str = "UPDATE_PICTURES";
/// What the references were made with: a browser and fonts that draw alike are compared strictly.
const MADE_WITH: &str = "made-with.txt";

/// Times are as they were at one moment; nothing blinks, and what is another one each time is not seen. `window.holds`: what is shown
/// for three seconds stays.
const STILL: &str = r#"(() => {
    const then = new Date(2026, 0, 31, 9, 30);
    for (const name of ['toLocaleString', 'toLocaleDateString', 'toLocaleTimeString']) {
        const real = Date.prototype[name];
        Date.prototype[name] = function (...how) { return real.apply(then, how); };
    }
    const { formatToParts } = Intl.DateTimeFormat.prototype;
    Intl.DateTimeFormat.prototype.formatToParts = function () { return formatToParts.call(this, then); };
    const { get } = Object.getOwnPropertyDescriptor(Intl.DateTimeFormat.prototype, 'format');
    Object.defineProperty(Intl.DateTimeFormat.prototype, 'format', { get() { const real = get.call(this); return () => real(then); } });
    try {
        if (!localStorage.getItem('hubbub settings')) localStorage.setItem('hubbub settings', '{"debug":false}');
    } catch {
        // A window without a page.
    }
    const real = window.setTimeout;
    window.setTimeout = (what, ms, ...rest) => real(what, window.holds && ms === 3000 ? 1e8 : ms, ...rest);
    addEventListener('DOMContentLoaded', () => {
        const sheet = new CSSStyleSheet();
        sheet.replaceSync('* { caret-color: transparent !important } #instance, .changing { visibility: hidden }');
        document.adoptedStyleSheets = [sheet];
    });
})()"#;

/// How wide some texts are drawn here, of each font that the page uses: other fonts, other numbers.
const FONTS: &str = r"(() => {
    const context = document.createElement('canvas').getContext('2d');
    return ['system-ui', 'monospace', 'sans-serif'].map((font) => {
        context.font = `100px ${font}`;
        return ['Soup at noon', 'مرحبا', '👍🎉'].map((text) => Math.round(context.measureText(text).width));
    }).join(' ');
})()";

/// Two pictures: the share of blocks of theirs that differ in colour, taken as a mean, by more than so many of 255.
const COMPARE: &str = r"(async (one, other, block, faint) => {
    const pixels = async (data) => {
        const image = await createImageBitmap(await (await fetch('data:image/webp;base64,' + data)).blob());
        const context = new OffscreenCanvas(image.width, image.height).getContext('2d', { willReadFrequently: true });
        context.drawImage(image, 0, 0);
        return context.getImageData(0, 0, image.width, image.height);
    };
    const [before, now] = [await pixels(one), await pixels(other)];
    const { width, height } = before;
    if (width !== now.width || height !== now.height) return 1;
    const wide = Math.ceil(width / block);
    const sums = new Float64Array(wide * Math.ceil(height / block) * 4);
    for (let y = 0; y < height; y += 1) for (let x = 0; x < width; x += 1) {
        const to = (Math.floor(y / block) * wide + Math.floor(x / block)) * 4;
        for (let at = (y * width + x) * 4, c = 0; c < 3; c += 1) sums[to + c] += before.data[at + c] - now.data[at + c];
        sums[to + 3] += 1;
    }
    let changed = 0;
    for (let at = 0; at < sums.length; at += 4)
        if (Math.max(...[0, 1, 2].map((c) => Math.abs(sums[at + c]))) / sums[at + 3] > faint) changed += 1;
    return changed / (sums.length / 4);
})";

/// A block in pixels of the picture, the difference that counts, and the share of blocks that may have it.
struct Tolerance {
    block: u32,
    faint: u32,
    share: f64,
}

/// With the browser and the fonts that the references were made with: a button in another colour is seen.
const STRICT: Tolerance = Tolerance { block: 8, faint: 10, share: 0.0004 };
/// With others: texts are wider or narrower there, and lines break elsewhere.
const LOOSE: Tolerance = Tolerance { block: 32, faint: 24, share: 0.06 };

/// Compares pictures, in a window of its own.
pub struct Judge {
    page: Page,
    tolerance: Tolerance,
    updates: bool,
    /// What is wrong, each in a sentence.
    pub faults: Vec<String>,
}

/// After so many faults it is known that all is another.
const MANY: usize = 10;

fn directory() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/pictures"))
}

impl Judge {
    pub async fn new(browser: &Browser) -> Self {
        let mut page = browser.opens("about:blank").await;
        let version = page.does("Browser.getVersion", json!({})).await;
        let fonts = page.is(FONTS).await;
        let here =
            format!("{}\n{}\n", version["product"].as_str().unwrap_or_default(), fonts.as_str().unwrap_or_default());
        let updates = std::env::var_os(UPDATE).is_some();
        let made_with = directory().join(MADE_WITH);
        if updates {
            std::fs::write(&made_with, &here).expect("a file");
        }
        let there = std::fs::read_to_string(&made_with).unwrap_or_default();
        let tolerance = if there == here { STRICT } else { LOOSE };
        Self { page, tolerance, updates, faults: Vec::new() }
    }

    /// The window looks as its reference does, within the time that things may take. Where not, that is a fault, and its picture is beside
    /// the reference.
    pub async fn looks_at(&mut self, page: &mut Page, name: &str) {
        let path = directory().join(format!("{name}.webp"));
        let new = directory().join(format!("{name}.new.webp"));
        let reference = std::fs::read(&path).ok().map(|bytes| STANDARD.encode(bytes));
        let began = Instant::now();
        let mut last = String::new();
        loop {
            let picture = page.picture().await;
            let is_still = picture == last;
            last = picture;
            let share = match &reference {
                Some(reference) if *reference == last => 0.0,
                Some(reference) => self.differ(reference, &last).await,
                None => 1.0,
            };
            if share <= self.tolerance.share {
                let _ = std::fs::remove_file(&new);
                return;
            }
            // Where so many are others already, this one is not waited for.
            let hurries = self.updates || reference.is_none() || self.faults.len() > MANY;
            let over = if hurries { is_still } else { began.elapsed() > DEADLINE / 2 };
            if !over {
                breathe().await;
                continue;
            }
            let bytes = STANDARD.decode(&last).expect("base64");
            std::fs::write(if self.updates { &path } else { &new }, bytes).expect("a file");
            if !self.updates {
                self.faults.push(format!("{name}: {:.2} % of it differ", share * 100.0));
            }
            return;
        }
    }

    async fn differ(&mut self, one: &str, other: &str) -> f64 {
        let Tolerance { block, faint, .. } = self.tolerance;
        let expression = format!("{COMPARE}('{one}', '{other}', {block}, {faint})");
        self.page.is(&expression).await.as_f64().expect("a share")
    }

    /// All of them looked as they should.
    pub fn approves(self) {
        let many = self.faults.len();
        assert!(
            many == 0,
            "{many} pictures are not as they were; each new one lies in tests/pictures as *.new.webp beside its reference: open both, and \
             where the new ones are right run this story with {UPDATE}=1, which puts them in the place of the old.\n{}",
            self.faults.join("\n")
        );
    }
}

impl Page {
    /// Whatever is opened here looks the same each time.
    pub async fn poses(&mut self) {
        self.does("Page.addScriptToEvaluateOnNewDocument", json!({ "source": STILL })).await;
        self.does("Emulation.setScrollbarsHidden", json!({ "hidden": true })).await;
        self.does("Emulation.setLocaleOverride", json!({ "locale": "en-US" })).await;
    }

    /// Opens another page in this window.
    pub async fn goes(&mut self, url: &str) {
        self.does("Page.navigate", json!({ "url": url })).await;
    }

    /// The window at a size at which people still read it, in base64 of WebP.
    async fn picture(&mut self) -> String {
        let frame = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done([innerWidth, innerHeight]))))";
        let size = self.is(frame).await;
        let [width, height] = [0_usize, 1].map(|n| size[n].as_f64().expect("a size"));
        let clip = json!({ "x": 0, "y": 0, "width": width, "height": height, "scale": (205_000.0 / (width * height)).sqrt().min(1.0) });
        let params = json!({ "format": "webp", "quality": 20, "clip": clip, "captureBeyondViewport": false });
        let mut picture: Value = self.does("Page.captureScreenshot", params).await;
        picture["data"].take().as_str().expect("a picture").to_owned()
    }
}
