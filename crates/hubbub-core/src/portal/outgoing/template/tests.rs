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
fn numbers_and_times_are_written_as_a_portal_wants_them() {
    let event = Document::new(
        r#"{"session":{"external":"4711","refs":{"ticket":"1.50","code":"007","name":"x"}},
            "event":{"timestamp":"2026-01-31T09:30:00.123Z"},"n":12}"#
            .into(),
    );
    let json = |template: &str| {
        let template = Template::parse(template).map_err(|why| why.0)?;
        let found = template.whole().unwrap().json(&event).map_err(|why| why.0)?;
        Ok::<_, String>(found.map(|json| json.into_owned()))
    };
    for (template, written) in [
        ("{/session/external}", Some(r#""4711""#)),
        ("{/session/external|number}", Some("4711")),
        ("{/session/refs/ticket|number}", Some("1.50")),
        ("{/n|number}", Some("12")),
        ("{/session/refs/none?|number}", None),
        ("{/event/timestamp|seconds}", Some("1769851800")),
        ("{/event/timestamp|milliseconds}", Some("1769851800123")),
        ("{/event/timestamp|seconds|base64}", Some(r#""MTc2OTg1MTgwMA==""#)),
    ] {
        assert_eq!(json(template).unwrap().as_deref(), written, "{template}");
    }
    // What is no number in JSON would break the body.
    for (template, what) in [
        ("{/session/refs/name|number}", "`/session/refs/name` finds what is no number"),
        ("{/session/refs/code|number}", "`/session/refs/code` finds what is no number"),
        ("{/session/external|seconds}", "`/session/external` finds what is no time"),
    ] {
        assert_eq!(json(template).unwrap_err(), what);
    }
    let text = Template::parse("at {/event/timestamp|seconds}, no. {/session/external|number}").unwrap();
    assert_eq!(text.fill(&event, |_, found| Ok(found)).unwrap(), "at 1769851800, no. 4711");
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
        (
            "{/a|upper}",
            "`upper` is neither a pointer nor one of html, slack, json, base64, number, seconds, milliseconds",
        ),
        ("{/a|}", "`` is neither a pointer"),
        ("{/a|html|/b}", "`/b` stands after"),
        ("{/a?|/b}", "`/b` stands after"),
        ("{/a~2}", "after ~ stands 0 or 1"),
    ] {
        let refused = Template::parse(template).unwrap_err().0;
        assert!(refused.contains(why), "{template}: {refused}");
    }
}
