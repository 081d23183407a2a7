//! The two numbers of an RSA public key in DER (PKCS #1: `SEQUENCE { INTEGER modulus, INTEGER exponent }`).

const INTEGER: u8 = 0x02;
const SEQUENCE: u8 = 0x30;

/// Modulus and exponent, big-endian, without leading zeros. None if it is anything else, or if something follows.
pub(super) fn rsa_public_key(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (key, rest) = value(SEQUENCE, der)?;
    let (modulus, key) = positive(key)?;
    let (exponent, key) = positive(key)?;
    (rest.is_empty() && key.is_empty()).then_some((modulus, exponent))
}

fn positive(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (number, rest) = value(INTEGER, der)?;
    match number {
        // A zero goes before a number whose first bit is set: it would be a negative one.
        [0, number @ ..] if number.first()? & 0x80 != 0 => Some((number, rest)),
        [first, ..] if (1..0x80).contains(first) => Some((number, rest)),
        _ => None,
    }
}

/// What a tag that begins here holds, and what follows it.
fn value(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let [found, length, rest @ ..] = der else { return None };
    if *found != tag {
        return None;
    }
    // A length is written in as few bytes as it needs. Longer ones than these no key has.
    let (length, rest) = match (*length, rest) {
        (0..=0x7f, rest) => (usize::from(*length), rest),
        (0x81, [length, rest @ ..]) if *length >= 0x80 => (usize::from(*length), rest),
        (0x82, [high, low, rest @ ..]) if *high > 0 => (usize::from(u16::from_be_bytes([*high, *low])), rest),
        _ => return None,
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_two_positive_numbers_in_a_sequence_are_a_key() {
        let long = [&[0x30, 0x82, 1, 9, 2, 0x82, 1, 2, 0, 0x80][..], &[7; 256], &[2, 1, 3]].concat();
        let (modulus, exponent) = rsa_public_key(&long).unwrap();
        assert_eq!((modulus.len(), modulus[0], exponent), (257, 0x80, &[3][..]));
        assert_eq!(rsa_public_key(&[0x30, 6, 2, 1, 5, 2, 1, 3]), Some((&[5][..], &[3][..])));
        for (why, der) in [
            ("nothing", &[][..]),
            ("a tag alone", &[0x30]),
            ("something follows", &[0x30, 6, 2, 1, 5, 2, 1, 3, 0]),
            ("three numbers", &[0x30, 9, 2, 1, 5, 2, 1, 3, 2, 1, 3]),
            ("one number", &[0x30, 3, 2, 1, 5]),
            ("no sequence", &[0x31, 6, 2, 1, 5, 2, 1, 3]),
            ("negative", &[0x30, 6, 2, 1, 0x85, 2, 1, 3]),
            ("zero", &[0x30, 6, 2, 1, 0, 2, 1, 3]),
            ("a zero that nobody needs", &[0x30, 7, 2, 2, 0, 5, 2, 1, 3]),
            ("an empty number", &[0x30, 5, 2, 0, 2, 1, 3]),
            ("a long length for a short one", &[0x30, 0x81, 6, 2, 1, 5, 2, 1, 3]),
            ("no end", &[0x30, 0x80, 2, 1, 5, 2, 1, 3]),
            ("longer than it is", &[0x30, 0x82, 255, 255, 2, 1, 5]),
        ] {
            assert_eq!(rsa_public_key(der), None, "{why}");
        }
        for cut in 0..long.len() {
            assert_eq!(rsa_public_key(&long[..cut]), None);
        }
    }
}
