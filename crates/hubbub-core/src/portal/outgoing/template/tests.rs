use super::*;

fn event() -> Document {
    Document::new(
        r#"{"message":{"text":"a \"b\" & <c>\n","seq":7,"data":{"n":12345678901234567890123,"list":[1,"x"],"yes":true}},
            "session":{"external":null,"name":""},"customer":{"name":"Ana","info":{"a/b":"slash","m~n":"tilde"}}}"#
            .into(),
    )
}

fn fill(template: &str) -> Result<String, String> {
    let template = Template::parse(template).map_err(|why| why.0)?;
    template.fill(&event(), |_, found| Ok(found)).map_err(|why| why.0)
}

#[test]
fn places_are_filled_in_and_braces_are_braces() {
    for (template, filled) in [
        ("plain", "plain"),
        ("", ""),
        ("no. {/message/seq}", "no. 7"),
        ("{/message/seq}{/message/seq}", "77"),
        ("{{{/message/seq}}}", "{7}"),
        ("{{/message/seq}}", "{/message/seq}"),
        ("}}{{", "}{"),
        ("{/message/data/n} {/message/data/yes}", "12345678901234567890123 true"),
        ("{/message/data/list/1}", "x"),
        ("{/customer/info/a~1b}{/customer/info/m~0n}", "slashtilde"),
        ("[{/session/external?}]", "[]"),
        ("[{/nowhere/at/all?}]", "[]"),
        ("{/session/external|/session/name|/customer/name}", "Ana"),
        ("{/session/external|/session/name?}", ""),
        ("{/message/text|html}", "a &quot;b&quot; &amp; &lt;c&gt;\n"),
        ("{/message/text|slack}", "a \"b\" &amp; &lt;c&gt;\n"),
        ("{/message/data|json}", r#"{"n":12345678901234567890123,"list":[1,"x"],"yes":true}"#),
        ("{/message/text|json}", r#""a \"b\" & <c>\n""#),
        ("{/customer/name|base64}", "QW5h"),
        ("{/customer/name|json|base64}", "IkFuYSI="),
        ("{/customer/name?|html}", "Ana"),
    ] {
        assert_eq!(fill(template).as_deref(), Ok(filled), "{template}");
    }
}

#[test]
fn what_finds_nothing_or_no_text_is_named() {
    for (template, why) in [
        ("{/session/external}", "`/session/external` finds nothing"),
        ("{/nowhere}", "`/nowhere` finds nothing"),
        ("{/message/text/0}", "`/message/text/0` finds nothing"),
        ("{/message/data/list/7}", "`/message/data/list/7` finds nothing"),
        ("{/message/data/list/01}", "`/message/data/list/01` finds nothing"),
        ("{/session/external|/session/name}", "`/session/external`, `/session/name` finds nothing"),
        ("a {/message/data}", "`/message/data` finds an object, which is no text; `|json` writes it as JSON"),
        (
            "{/message/data/list|html}",
            "`/message/data/list` finds an array, which is no text; `|json` writes it as JSON",
        ),
    ] {
        assert_eq!(fill(template).unwrap_err(), why, "{template}");
    }
}

#[test]
fn what_is_no_template_is_refused() {
    for (template, why) in [
        ("{", "a { is not closed"),
        ("}", "a } has no {"),
        ("a } b", "a } has no {"),
        ("{}", "after { stands a pointer"),
        ("{message}", "after { stands a pointer"),
        (r#"{"a":1}"#, "after { stands a pointer"),
        ("{env.HOME}", "after { stands a pointer"),
        ("{ /message/text}", "after { stands a pointer"),
        ("{/a{/b}}", "a { within a pointer"),
        ("{/a|upper}", "`upper` is neither a pointer nor one of html, slack, json, base64"),
        ("{/a|}", "`` is neither a pointer"),
        ("{/a|html|/b}", "`/b` stands after"),
        ("{/a?|/b}", "`/b` stands after"),
        ("{/a~2}", "after ~ stands 0 or 1"),
    ] {
        let refused = Template::parse(template).unwrap_err().0;
        assert!(refused.contains(why), "{template}: {refused}");
    }
}
