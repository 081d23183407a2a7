//! Whether the numbers of a public key make one that only its owner can sign for.
//!
//! Whoever publishes keys may be wrong, or may have been talked into a key that anybody can sign for: a point of small order,
//! an exponent of 1. The library that checks signatures looks at some of this, and only once there is a signature.

use anyhow::{Context, ensure};
use hubbub_core::limits::{RSA_BITS_MAX, RSA_BITS_MIN, RSA_EXPONENT_MAX, RSA_EXPONENT_MIN};
use num_bigint::BigUint;
use ring::{agreement, rand::SystemRandom};

/// A modulus is divided by all numbers up to this (NIST SP 800-89 has 752).
const SMALL: u32 = 752;

/// The numbers of an RSA key, big-endian.
pub(super) fn rsa(modulus: &[u8], exponent: &[u8]) -> anyhow::Result<()> {
    let (n, e) = (BigUint::from_bytes_be(modulus), BigUint::from_bytes_be(exponent));
    let bits = n.bits();
    ensure!(
        (RSA_BITS_MIN as u64..=RSA_BITS_MAX as u64).contains(&bits),
        "an RSA key of {bits} bits; from {RSA_BITS_MIN} to {RSA_BITS_MAX} are taken"
    );
    ensure!(e.bit(0), "its exponent is even: nobody can sign for it, or anybody");
    ensure!(
        (BigUint::from(RSA_EXPONENT_MIN)..=BigUint::from(RSA_EXPONENT_MAX)).contains(&e),
        "its exponent is not from {RSA_EXPONENT_MIN} to {RSA_EXPONENT_MAX}"
    );
    ensure!(n.bit(0), "its modulus is even");
    let divisor = (3..SMALL).find(|small| &n % small == BigUint::ZERO);
    ensure!(divisor.is_none(), "its modulus has a small divisor, so that anybody can sign for it");
    let root = n.sqrt();
    ensure!(&root * &root != n, "its modulus is a square, so that anybody can sign for it");
    // By Fermat: of a prime everybody knows the private key.
    let one = BigUint::from(1_u8);
    ensure!(
        BigUint::from(2_u8).modpow(&(&n - &one), &n) != one,
        "its modulus is prime, so that anybody can sign for it"
    );
    Ok(())
}

/// A point of a curve of NIST's, as one byte that says how it is written and two numbers.
pub(super) fn curve(curve: &'static agreement::Algorithm, point: &[u8]) -> anyhow::Result<()> {
    // Agreeing on a secret with somebody begins with a look at their point, and is the only look that can be had.
    let own = agreement::EphemeralPrivateKey::generate(curve, &SystemRandom::new()).ok().context("no randomness")?;
    let theirs = agreement::UnparsedPublicKey::new(curve, point);
    agreement::agree_ephemeral(own, &theirs, |_| ()).ok().context("its x and y are no point of its curve")
}

/// A point of Ed25519: y, and the sign of x in the last bit.
pub(super) fn ed25519(point: &[u8]) -> anyhow::Result<()> {
    let point: [u8; 32] = point.try_into().ok().context("an Ed25519 key of another length than 32 bytes")?;
    let mut y = point;
    y[31] &= 0x7f;
    let (p, y) = (prime(), BigUint::from_bytes_le(&y));
    ensure!(y < p, "its point is written in a way that Ed25519 does not have");
    let one = BigUint::from(1_u8);
    // x² = (y² - 1) / (d y² + 1), where d = -121665/121666: has it a root?
    let square = (&y * &y) % &p;
    let (above, below) = ((&square + &p - &one) % &p, (d(&p) * &square + &one) % &p);
    ensure!(
        above != BigUint::ZERO && !small_order().contains(&y),
        "its point has a small order, so that anybody can sign for it"
    );
    let is_square = (above * below).modpow(&((&p - &one) >> 1), &p) == one;
    ensure!(is_square, "its point is not on the curve");
    Ok(())
}

/// 2^255 - 19.
fn prime() -> BigUint {
    (BigUint::from(1_u8) << 255) - 19_u8
}

fn d(p: &BigUint) -> BigUint {
    let inverse = BigUint::from(121_666_u32).modpow(&(p - 2_u8), p);
    ((p - 121_665_u32) * inverse) % p
}

/// The y of all points whose eightfold is the neutral one: 0, 1, -1 and those of order eight.
fn small_order() -> [BigUint; 5] {
    let eight = BigUint::from_bytes_le(&[
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf,
        0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ]);
    let (zero, one) = (BigUint::ZERO, BigUint::from(1_u8));
    [prime() - &one, prime() - &eight, zero, one, eight]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::tests::signer::Signer;
    use jsonwebtoken::Algorithm;
    use ring::agreement::{ECDH_P256, ECDH_P384};

    fn of(jwk: &serde_json::Value, name: &str) -> Vec<u8> {
        use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
        URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap()
    }

    #[test]
    fn points_of_small_order_are_refused_in_every_spelling() {
        let p = prime();
        for small in small_order() {
            // Also written with the prime added, where that has room, and with either sign.
            for y in [small.clone(), small + &p] {
                let mut bytes = y.to_bytes_le();
                bytes.resize(33, 0);
                if bytes[32] != 0 || bytes[31] & 0x80 != 0 {
                    continue;
                }
                for sign in [0, 0x80] {
                    let mut point: [u8; 32] = bytes[..32].try_into().unwrap();
                    point[31] |= sign;
                    let refused = ed25519(&point).unwrap_err().to_string();
                    assert!(
                        refused.contains("small order") || refused.contains("does not have"),
                        "{point:?}: {refused}"
                    );
                }
            }
        }
        // The same as somebody's point, written otherwise; half of all numbers are no point; and another length.
        let seven = |first: u8| [&[first][..], &[0xff; 30], &[0x7f]].concat();
        assert!((0xed..=0xff).all(|first| ed25519(&seven(first)).is_err()));
        let off = (2..40_u8).filter(|y| ed25519(&[&[*y][..], &[0; 31]].concat()).is_err()).count();
        assert!((10..=28).contains(&off), "{off} of 38 are on no curve");
        assert!(ed25519(&[9; 31]).is_err() && ed25519(&[]).is_err());
        for _ in 0..16 {
            ed25519(&of(&Signer::new(Algorithm::EdDSA).jwk(), "x")).expect("a real one");
        }
    }

    #[test]
    fn points_off_their_curve_are_refused() {
        for (algorithm, known, other) in
            [(Algorithm::ES256, &ECDH_P256, &ECDH_P384), (Algorithm::ES384, &ECDH_P384, &ECDH_P256)]
        {
            let jwk = Signer::new(algorithm).jwk();
            let good = [&[4][..], &of(&jwk, "x"), &of(&jwk, "y")].concat();
            curve(known, &good).expect("a real one");
            let mut off = good.clone();
            *off.last_mut().unwrap() ^= 1;
            let nowhere = [&[4][..], &vec![0; good.len() - 1]].concat();
            let beyond = [&[4][..], &vec![0xff; good.len() - 1]].concat();
            for bad in [&off[..], &nowhere, &beyond, &good[..good.len() - 1], &[0], &[]] {
                assert!(curve(known, bad).is_err(), "{bad:?}");
            }
            assert!(curve(other, &good).is_err());
        }
    }

    #[test]
    fn rsa_keys_that_anybody_can_sign_for_are_refused() {
        let jwk = Signer::new(Algorithm::RS256).jwk();
        let (n, e) = (of(&jwk, "n"), of(&jwk, "e"));
        rsa(&n, &e).expect("a real one");
        rsa(&[&[0, 0][..], &n].concat(), &[&[0][..], &e].concat()).expect("with zeros before it");
        let says = |n: &[u8], e: &[u8]| rsa(n, e).unwrap_err().to_string();
        for bad in [&[][..], &[0], &[1], &[3], &[17], &[1, 0], &[1, 0, 0], &[0xff, 0xff], &[2, 0, 0, 0, 1], &[0x7f; 64]]
        {
            assert!(says(&n, bad).contains("exponent"), "{bad:?}");
        }
        let number = BigUint::from_bytes_be(&n);
        let of_bits = |n: &BigUint| n.to_bytes_be();
        assert!(says(&of_bits(&(&number + 1_u8)), &e).contains("even"));
        assert!(says(&of_bits(&(&number >> 1)), &e).contains("2047 bits"));
        assert!(says(&of_bits(&(&number << 6_200)), &e).contains("bits"));
        let third = (&number / 3_u8) * 3_u8;
        let third = if third.bit(0) { third } else { third + 3_u8 };
        assert!(says(&of_bits(&third), &e).contains("divisor"));
        let root = number.sqrt();
        let square = &root * &root;
        let refused = says(&of_bits(&square), &e);
        assert!(["square", "divisor", "even", "2047"].iter().any(|why| refused.contains(why)), "{refused}");
        // A Mersenne prime, 2^2203 - 1.
        let mersenne = (BigUint::from(1_u8) << 2_203) - 1_u8;
        assert!(says(&of_bits(&mersenne), &e).contains("prime"));
    }
}
