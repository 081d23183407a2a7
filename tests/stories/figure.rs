//! A plot of when clients came back, as SVG.

use std::fmt::Write;

/// One restart: what it was, and how many came back in each tenth of the window.
pub struct Panel {
    pub title: String,
    pub tenths: [usize; 10],
    /// Whether the program that went spreads its clients.
    pub spread: bool,
}

const WIDTH: usize = 250;
const HEIGHT: usize = 170;
const BAR: usize = 20;
const TALL: usize = 100;

/// Panels side by side, three in a row.
pub fn draw(title: &str, footnote: &str, panels: &[Panel]) -> String {
    let rows = panels.len().div_ceil(3);
    let (width, height) = (3 * WIDTH + 20, rows * HEIGHT + 70);
    let mut svg = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="11">
<rect width="{width}" height="{height}" fill="white"/>
<text x="20" y="24" font-size="15">{title}</text>
"#
    );
    for (n, panel) in panels.iter().enumerate() {
        let (left, top) = (20 + n % 3 * WIDTH, 45 + n / 3 * HEIGHT);
        let floor = top + 20 + TALL;
        let colour = if panel.spread { "#2a7f62" } else { "#b5651d" };
        let most = panel.tenths.iter().sum::<usize>().max(1);
        let _ = writeln!(svg, r#"<text x="{left}" y="{}">{}</text>"#, top + 10, panel.title);
        for (tenth, count) in panel.tenths.iter().enumerate() {
            let (x, tall) = (left + tenth * BAR, count * (TALL - 14) / most);
            let y = floor - tall;
            let _ = writeln!(svg, r#"<rect x="{x}" y="{y}" width="{}" height="{tall}" fill="{colour}"/>"#, BAR - 3);
            let _ = writeln!(svg, r##"<text x="{x}" y="{}" fill="#555">{count}</text>"##, y - 3);
        }
        let right = left + 10 * BAR;
        let _ = writeln!(svg, r##"<path d="M{left} {floor}H{right}" stroke="#999"/>"##);
    }
    let _ = writeln!(svg, r##"<text x="20" y="{}" fill="#555">{footnote}</text>"##, height - 12);
    svg + "</svg>\n"
}
