//! As much DER (X.690) as it takes to see whether a certificate is one.

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};

/// The parts of an X.509 certificate (RFC 5280 section 4.1) that the tests look at.
pub(super) struct Certificate<'d> {
    /// What is signed, header included.
    tbs: &'d [u8],
    signature: &'d [u8],
    pub(super) serial: &'d [u8],
    pub(super) issuer: &'d [u8],
    pub(super) subject: &'d [u8],
    /// The texts of notBefore and notAfter.
    pub(super) validity: [&'d str; 2],
    /// The modulus of its RSA key, without leading zeros.
    pub(super) modulus: &'d [u8],
    pub(super) exponent: &'d [u8],
}

/// Takes the first element off: its tag, its contents, all its bytes.
fn take<'d>(from: &mut &'d [u8]) -> (u8, &'d [u8], &'d [u8]) {
    let der = *from;
    let (header, length) = match der[1] {
        short @ 0..=127 => (2, usize::from(short)),
        long => {
            let bytes = usize::from(long & 0x7f);
            let length = der[2..2 + bytes]
                .iter()
                .fold(0, |length, byte| length << 8 | usize::from(*byte));
            (2 + bytes, length)
        }
    };
    *from = &der[header + length..];
    (der[0], &der[header..header + length], &der[..header + length])
}

/// The contents of the next element, which must have this tag.
#[track_caller]
fn expect<'d>(from: &mut &'d [u8], tag: u8) -> &'d [u8] {
    let (found, contents, _) = take(from);
    assert_eq!(found, tag);
    contents
}

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;

fn number(contents: &[u8]) -> &[u8] {
    contents.strip_prefix(&[0]).unwrap_or(contents)
}

impl<'d> Certificate<'d> {
    pub(super) fn parse(der: &'d [u8]) -> Self {
        let mut rest = der;
        let mut whole = expect(&mut rest, SEQUENCE);
        assert!(rest.is_empty(), "nothing after the certificate");
        let (_, mut fields, tbs) = take(&mut whole);
        expect(&mut whole, SEQUENCE);
        let signature = &expect(&mut whole, BIT_STRING)[1..];
        expect(&mut fields, VERSION);
        let serial = expect(&mut fields, INTEGER);
        expect(&mut fields, SEQUENCE);
        let issuer = expect(&mut fields, SEQUENCE);
        let mut validity = expect(&mut fields, SEQUENCE);
        let validity =
            [take(&mut validity).1, take(&mut validity).1].map(|time| std::str::from_utf8(time).unwrap());
        let subject = expect(&mut fields, SEQUENCE);
        let mut key_info = expect(&mut fields, SEQUENCE);
        expect(&mut key_info, SEQUENCE);
        let mut key = &expect(&mut key_info, BIT_STRING)[1..];
        let mut key = expect(&mut key, SEQUENCE);
        let modulus = number(expect(&mut key, INTEGER));
        let exponent = number(expect(&mut key, INTEGER));
        Self {
            tbs,
            signature,
            serial,
            issuer,
            subject,
            validity,
            modulus,
            exponent,
        }
    }

    /// Whether the key of the certificate signed it.
    pub(super) fn is_self_signed(&self) -> bool {
        let key = RsaPublicKeyComponents {
            n: self.modulus,
            e: self.exponent,
        };
        key.verify(&RSA_PKCS1_2048_8192_SHA256, self.tbs, self.signature)
            .is_ok()
    }
}
