//! Slack's mrkdwn as a person reads it: mentions by their names, links with their addresses, `&lt;` as `<`. Marks of emphasis stay.

/// The text.
pub fn text(mrkdwn: &str) -> String {
    let mut out = String::with_capacity(mrkdwn.len());
    let mut rest = mrkdwn;
    while let Some((before, after)) = rest.split_once('<') {
        out.push_str(&plain(before));
        // A `<` of the writer's own comes as `&lt;`; one without an end is none of Slack's.
        let end = after.find(['<', '>', '\n']).filter(|at| after[*at..].starts_with('>'));
        match end.and_then(|at| Some((read(&after[..at])?, &after[at + 1..]))) {
            Some((read, after)) => {
                out.push_str(&read);
                rest = after;
            }
            None => {
                out.push('<');
                rest = after;
            }
        }
    }
    out.push_str(&plain(rest));
    out
}

/// What stands between `<` and `>`; `None`: nothing that Slack writes.
fn read(inside: &str) -> Option<String> {
    let (what, label) = match inside.split_once('|') {
        Some((what, label)) => (what, Some(plain(label)).filter(|label| !label.is_empty())),
        None => (inside, None),
    };
    let named = |sign: char, name: &str| label.as_deref().unwrap_or(name).trim_start_matches(sign).to_owned();
    if let Some(user) = what.strip_prefix('@') {
        return Some(format!("@{}", named('@', user)));
    }
    if let Some(channel) = what.strip_prefix('#') {
        return Some(format!("#{}", named('#', channel)));
    }
    if let Some(special) = what.strip_prefix('!') {
        let (kind, more) = special.split_once('^').unwrap_or((special, ""));
        return Some(match kind {
            "date" => label.unwrap_or_else(|| more.split('^').next().unwrap_or_default().to_owned()),
            "subteam" => format!("@{}", named('@', more)),
            _ => format!("@{}", named('@', kind)),
        });
    }
    let address = plain(what);
    let (scheme, bare) = address.split_once(':')?;
    let is_scheme = !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    if !is_scheme {
        return None;
    }
    let bare = bare.trim_start_matches('/').trim_end_matches('/');
    Some(match label {
        // Said already.
        Some(label) if label.trim_end_matches('/') == bare || label == address => label,
        Some(label) if matches!(scheme, "tel" | "mailto") && label.contains(bare) => label,
        Some(label) => format!("{label} ({address})"),
        None if matches!(scheme, "tel" | "mailto") => bare.to_owned(),
        None => address,
    })
}

/// Each of the three is read once: `&amp;lt;` is `&lt;`.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let known = [("&amp;", '&'), ("&lt;", '<'), ("&gt;", '>')];
        match known.into_iter().find(|(written, _)| after.starts_with(written)) {
            Some((written, c)) => {
                out.push(c);
                rest = &after[written.len()..];
            }
            None => {
                out.push('&');
                rest = &after[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn slack_is_read_as_a_person_reads_it() {
        for (mrkdwn, read) in [
            ("plain *bold* :smile:", "plain *bold* :smile:"),
            ("<@U024BE7LH> and <@U024BE7LH|ada>, <@W1|@ben>", "@U024BE7LH and @ada, @ben"),
            ("in <#C024BE7LR|general>, <#C1>, <#C2|>", "in #general, #C1, #C2"),
            ("<!here> <!channel> <!everyone|@everyone>", "@here @channel @everyone"),
            ("<!subteam^SAZ94GDB8|@support> <!subteam^S1>", "@support @S1"),
            ("on <!date^1392734382^{date}^https://e.example/|Feb 18, 2014>", "on Feb 18, 2014"),
            ("<https://e.example/a?x=1&amp;y=2|the &lt;form&gt;>", "the <form> (https://e.example/a?x=1&y=2)"),
            ("<http://e.example|e.example> <https://e.example/>", "e.example https://e.example/"),
            ("<https://e.example/x|https://e.example/x>", "https://e.example/x"),
            (
                "<mailto:a@e.example|a@e.example> <mailto:b@e.example> <tel:+491234|+49 1234>",
                "a@e.example b@e.example +49 1234 (tel:+491234)",
            ),
            ("1 &lt; 2 &amp;&amp; 3 &gt; 2 &amp;lt; &nbsp; & &amp", "1 < 2 && 3 > 2 &lt; &nbsp; & &amp"),
            ("a < b <https://e.example|unended", "a < b <https://e.example|unended"),
            ("<> <x> <|y> <@> <<@U1>>", "<> <x> <|y> @ <@U1>"),
            ("```if (a &lt; b) <https://e.example>```", "```if (a < b) https://e.example```"),
        ] {
            assert_eq!(text(mrkdwn), read, "{mrkdwn}");
        }
    }

    #[test]
    fn whatever_comes_is_read_in_one_pass() {
        let mut state = 7_u64;
        let pieces = ["<", ">", "|", "@", "#", "!", "^", "&amp;", "&", "&lt;", ":", "http://x", "ä", "\n", "date", " "];
        for _ in 0..20_000 {
            let mut made = String::new();
            for _ in 0..12 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                made.push_str(pieces[usize::try_from(state >> 60).unwrap()]);
            }
            assert!(text(&made).len() <= 2 * made.len() + 8, "{made}");
        }
        let many = "<".repeat(200_000);
        assert_eq!(text(&many).len(), many.len());
    }
}
