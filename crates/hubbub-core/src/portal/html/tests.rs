use super::*;

#[test]
fn a_person_reads_lines_and_words() {
    for (html, read) in [
        ("<p>Good morning,</p>\n<p>your parcel&nbsp;is <b>here</b>.</p>", "Good morning,\nyour parcel is here."),
        ("one<br>two<br/><br />four", "one\ntwo\n\nfour"),
        ("a<br><br><br><br>b", "a\n\nb"),
        ("<ul><li>red <li>blue</ul>after", "red\nblue\nafter"),
        ("<table><tr><td>1</td><td>2</td></tr><tr><td>3</td></tr></table>", "1 2\n3"),
        ("&lt;b&gt; &amp; &eacute; &#128512; &#x41; &unknown; 5 < 6 &copy", "<b> & é 😀 A &unknown; 5 < 6 ©"),
        ("  in \n a\tline  ", "in a line"),
        ("<pre>x\n  y</pre>z", "x\n  y\nz"),
        ("<html><head><title>T</title><style>p{}</style></head><body>B</body></html>", "B"),
        ("<head><meta charset=utf-8><body>B", "B"),
        ("a<script>if (1 < 2) { '</b>' }</script>b<style>x</style>c<!-- d -->e", "abce"),
        ("<div style='DISPLAY : none'>preview <div>x</div></div><span hidden>y</span>seen", "seen"),
        ("<em>*</em> <img alt='a cat' src=x> <img src=y>.", "* a cat [image]."),
        ("a\0b&#0;", "ab\u{fffd}"),
        ("<textarea>kept</textarea>", "kept"),
        ("", ""),
        ("plain", "plain"),
        ("<p", ""),
        ("</nothing></p>x</div>", "x"),
    ] {
        assert_eq!(text(html), read, "{html}");
    }
}

#[test]
fn what_follows_something_hidden_is_read_though_its_end_is_not_written() {
    for (html, read) in [
        ("<p hidden>x<p>seen", "seen"),
        ("<p hidden>x<div>seen</div>", "seen"),
        ("<p hidden>x<b>y</b></p>seen", "seen"),
        ("<p><span hidden>x<p>seen", "seen"),
        ("<div><p hidden>x</div>seen", "seen"),
        ("<div>a<span hidden>x</div>seen", "a\nseen"),
        ("<p hidden>x<p hidden>y<p>seen", "seen"),
        ("<ul><li hidden>x<li>seen</ul>too", "seen\ntoo"),
        ("<ul><li hidden>x<ul><li>y<li>z</ul><li>seen</ul>", "seen"),
        ("<dl><dt hidden>x<dd>seen</dl>", "seen"),
        ("<table><tr hidden><td>x<td>y<tr><td>seen</table>too", "seen\ntoo"),
        ("<table><tr><td hidden>x<td>seen<tr><td>too</table>", "seen\ntoo"),
        ("<table><tr hidden><td><table><tr><td>x</table><tr><td>seen</table>", "seen"),
        ("<head><meta charset=utf-8><p>seen", "seen"),
        ("<svg><path><p>seen", "seen"),
        ("<p>a<svg><title>x</title></svg>b", "ab"),
        // And no more than that.
        ("<div hidden>x<p>y<div>z</div>w</div>seen", "seen"),
        ("<div hidden>x</b></p></ul>y</div>seen", "seen"),
        ("<p>a<p>b<div hidden>x</p>y</div>seen", "a\nb\nseen"),
        ("<p>a</p>b <div hidden>x</div>c", "a\nb c"),
        ("<ul><li>a<div hidden>x<ul><li>y</ul></div>seen</ul>", "aseen"),
        ("<b><div hidden>x</b>y</div>seen</b>", "seen"),
        ("<template>x<p>y</p></template>seen", "seen"),
        ("<p><object>x<p>y</object>seen", "seen"),
    ] {
        assert_eq!(text(html), read, "{html}");
    }
}

#[test]
fn an_image_is_its_text_and_its_address() {
    for (html, read) in [
        ("<p>See this:</p><img src=https://a.example/x.png>", "See this:\nhttps://a.example/x.png"),
        ("<img src='http://a.example/x?y=1&amp;z=2'>", "http://a.example/x?y=1&z=2"),
        ("<img alt='A map' src=https://a.example/map.png> here", "A map (https://a.example/map.png) here"),
        ("<img alt='' src=https://a.example/x.png>", "https://a.example/x.png"),
        ("a<img width=1 height=1 src=https://a.example/seen?by=ana>b", "ab"),
        ("a<img width=1px height=0 src=https://a.example/seen>b", "ab"),
        (
            "a <img src=cid:part1@mail> <img src='data:image/png;base64,AAAA'> <img src=javascript:x()>b",
            "a [image] [image] [image]b",
        ),
        ("<div hidden><img src=https://a.example/x.png></div>b", "b"),
        ("<p><img src=/rails/blobs/x.png></p>", "[image]"),
        ("<div><img src='data:image/png;base64,AAAA'><p><img src=cid:1></p></div>", "[image]\n[image]"),
        ("<p>See this:</p><table><tr><td><span><img src=/rails/blobs/x.png></span></table>", "See this:\n[image]"),
        ("a <img alt='' src=cid:line> b", "a b"),
        ("<img alt='' src=cid:line>", "[image]"),
        (
            "<ul><li><a href=https://a.example/x.png><b><img alt='A cat' src=https://a.example/x.png></b></a></ul>",
            "A cat (https://a.example/x.png)",
        ),
        ("<img width=1 height=1 src=https://a.example/seen>", ""),
        (
            "<img src=//cdn.example/x.png> <img src=HTTPS://A.example/y>",
            "https://cdn.example/x.png HTTPS://A.example/y",
        ),
        (
            "<picture><source srcset=https://a.example/x.webp><img src=https://a.example/x.png></picture>",
            "https://a.example/x.png",
        ),
        (
            "<img src='data:,' srcset='https://a.example/1x.png 1x, https://a.example/2x.png 2x'>",
            "https://a.example/1x.png",
        ),
        ("a<img src=https://a.example/x><img src=https://a.example/y>b", "a https://a.example/x https://a.example/y b"),
        (
            "<ul><li>1<img src=https://a.example/1><li>2<img src=https://a.example/2></ul>",
            "1 https://a.example/1\n2 https://a.example/2",
        ),
        ("a<noscript><p><img src=https://a.example/x></p></noscript>b", "a\nhttps://a.example/x\nb"),
        ("<noscript>a &amp; <noscript><img src=https://a.example/x></noscript>", "a & <img src=https://a.example/x>"),
        ("<div hidden><noscript><img src=https://a.example/x></noscript></div>b", "b"),
        ("<img src='data:,' data-src=https://a.example/later.png alt=cat>", "cat (https://a.example/later.png)"),
        (
            "<input type=Image src=https://a.example/i.png><input src=https://a.example/no.png>",
            "https://a.example/i.png",
        ),
        ("<image src=https://a.example/i.png>", "https://a.example/i.png"),
        ("a<object data=https://a.example/o.pdf>old</object>b", "a https://a.example/o.pdf b"),
        ("a<a href=https://a.example/f.pdf></a>b", "a https://a.example/f.pdf b"),
        ("look<video src=https://a.example/v.mp4></video>", "look\nhttps://a.example/v.mp4"),
        (
            "<audio><source src=https://a.example/a.ogg><source src=https://a.example/a.mp3></audio>",
            "https://a.example/a.ogg",
        ),
        ("<iframe src=https://v.example/embed/1>old</iframe> see", "https://v.example/embed/1 see"),
        (
            "<a href=https://b.example/large><img src=https://b.example/small></a>",
            "https://b.example/small (https://b.example/large)",
        ),
    ] {
        assert_eq!(text(html), read, "{html}");
    }
}

#[test]
fn a_link_is_followed_by_its_address_where_that_is_something_else() {
    for (html, read) in [
        ("see <a href='https://a.example/x?y=1&amp;z=2'>our page</a>!", "see our page (https://a.example/x?y=1&z=2)!"),
        ("<a href='https://a.example/'>a.example</a>", "a.example"),
        ("<a href='https://a.example'>https://a.example/</a>", "https://a.example/"),
        ("<a href='mailto:a@a.example'>a@a.example</a>", "a@a.example"),
        ("<a href='javascript:alert(1)'>click</a> <a href='#x'>up</a> <a name=q>q</a>", "click up q"),
        ("<a href='https://a.example'><img alt='' src=x></a>", "https://a.example"),
        ("<a href='https://a.example'><img src=x></a>", "[image] (https://a.example)"),
        (
            "<a href='HTTPS://A.example/x'>here</a> <a href='//a.example/y'>there</a>",
            "here (HTTPS://A.example/x) there (https://a.example/y)",
        ),
        ("<a href='Mailto:a@a.example'>a@a.example</a>", "a@a.example"),
        (
            "<a href=https://a.example>one <a href=https://b.example>two",
            "one (https://a.example) two (https://b.example)",
        ),
    ] {
        assert_eq!(text(html), read, "{html}");
    }
}

/// Were any of these quadratic, they would take minutes.
#[test]
fn hostile_input_is_read_in_linear_time_and_without_a_stack() {
    const N: usize = 100_000;
    assert_eq!(text(&format!("{}deep{}", "<div>".repeat(N), "</div>".repeat(N))), "deep");
    assert_eq!(text(&format!("{}deep", "<b><p><a href=x>".repeat(N))), "deep");
    assert_eq!(text(&format!("<p title='{}'>x", "y".repeat(10 * N))), "x");
    let attributes: String = (0..N).map(|n| format!(" a{n}=1")).collect();
    assert_eq!(text(&format!("<p{attributes}>x")), "x");
    assert_eq!(text(&format!("{}x", "<br>".repeat(N))), "x");
    assert_eq!(text(&format!("{}x", "<svg>".repeat(N))), "");
    assert_eq!(text(&"<a href=https://a.example>b".repeat(N)).len(), N * "b (https://a.example)".len());
    assert_eq!(text(&"<!--".repeat(N)), "");
    assert_eq!(text(&"<noscript>".repeat(N)).len(), (N - 2) * "<noscript>".len());
    assert_eq!(text(&"<noscript><p>x</noscript>".repeat(N)).len(), 2 * N - 1);
    assert_eq!(text(&format!("{}x", " <p> ".repeat(N))), "x");
    assert_eq!(text(&"&".repeat(N)).len(), N);
}
