//! Percent-decoding of parts of a URL, strict where the usual library is lenient.

use percent_encoding::percent_decode_str;

/// The text with `%40` and the like resolved. `None` if a `%` is not followed by two hexadecimal digits, or if the result is
/// not UTF-8.
pub fn decode(text: &str) -> Option<String> {
    let is_complete =
        |rest: &str| matches!(rest.as_bytes(), [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit());
    if !text.split('%').skip(1).all(is_complete) {
        return None;
    }
    percent_decode_str(text).decode_utf8().ok().map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded_and_what_is_not_encoded_right_is_refused() {
        assert_eq!(decode("hu%40sh%3a%C3%a9+"), Some("hu@sh:é+".to_owned()));
        assert_eq!(decode(""), Some(String::new()));
        assert_eq!(decode("%2540"), Some("%40".to_owned()), "once, not twice");
        for wrong in ["%", "%4", "a%zz", "%4%30", "%ff", "%é0"] {
            assert_eq!(decode(wrong), None, "{wrong}");
        }
    }
}
