//! Calls and what answers them, as bytes (D-Bus specification, "Message Protocol").
//!
//! Knows no method by name.

use zeroize::Zeroizing;

use super::wire::{Decoder, Encoder};

/// Messages of the Secret Service are a few hundred bytes, and longer only if it has much to say.
pub(super) const LONGEST: usize = 1 << 20;

/// The part of a header whose length is fixed.
pub(super) const FIXED_HEADER: usize = 16;

const BYTE_ORDER: u8 = if cfg!(target_endian = "little") {
    b'l'
} else {
    b'B'
};

/// A method to be called, with its arguments and their types.
pub(super) struct Call<'a> {
    pub(super) destination: &'a str,
    pub(super) path: &'a str,
    pub(super) interface: &'a str,
    pub(super) method: &'a str,
    pub(super) signature: &'a str,
    pub(super) arguments: Encoder,
}

impl Call<'_> {
    pub(super) fn encode(&self, serial: u32) -> Zeroizing<Vec<u8>> {
        let mut message = Encoder::new();
        // A method call, without flags, in version 1 of the protocol.
        message.raw(&[BYTE_ORDER, 1, 0, 1]);
        message.length(self.arguments.as_bytes().len());
        message.number(serial);
        message.array(8, |fields| {
            fields.align(8).raw(&[1]).signature("o").string(self.path);
            fields
                .align(8)
                .raw(&[2])
                .signature("s")
                .string(self.interface);
            fields.align(8).raw(&[3]).signature("s").string(self.method);
            fields
                .align(8)
                .raw(&[6])
                .signature("s")
                .string(self.destination);
            fields
                .align(8)
                .raw(&[8])
                .signature("g")
                .signature(self.signature);
        });
        message.align(8);
        message.raw(self.arguments.as_bytes());
        message.into_bytes()
    }
}

/// What a message is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The answer to the call with this serial number.
    Return(u32),
    /// The refusal of the call with this serial number, by its name.
    Error(u32, String),
    /// News from an object: its path and the signal's name.
    Signal(String, String),
    /// A call, which nobody has reason to send us.
    Other,
}

/// A message that came in.
pub(super) struct Message {
    pub(super) kind: Kind,
    signature: String,
    bytes: Zeroizing<Vec<u8>>,
    body: usize,
}

/// How long a message is that begins with these bytes; `None` if it can't be one, or is too long.
pub(super) fn message_length(header: &[u8; FIXED_HEADER]) -> Option<usize> {
    let mut decoder = Decoder::new(header, 4);
    let body = decoder.length()?;
    decoder.length()?;
    let fields = decoder.length()?;
    let whole = FIXED_HEADER
        .checked_add(fields)?
        .checked_next_multiple_of(8)?
        .checked_add(body)?;
    (header[0] == BYTE_ORDER && whole <= LONGEST).then_some(whole)
}

impl Message {
    /// Takes a whole message; `None` if it is not one.
    pub(super) fn decode(bytes: Zeroizing<Vec<u8>>) -> Option<Self> {
        let mut decoder = Decoder::new(&bytes, 12);
        let end = FIXED_HEADER + decoder.length()?;
        let (mut path, mut member, mut error, mut signature) = ("", "", "", "");
        let mut answers = 0;
        while decoder.position() < end {
            decoder.align(8);
            let code = decoder.byte()?;
            match (code, decoder.signature()?) {
                (1, "o") => path = decoder.string()?,
                (3, "s") => member = decoder.string()?,
                (4, "s") => error = decoder.string()?,
                (5, "u") => answers = decoder.number()?,
                (8, "g") => signature = decoder.signature()?,
                (_, "o" | "s") => _ = decoder.string()?,
                (_, "g") => _ = decoder.signature()?,
                (_, "u") => _ = decoder.number()?,
                (_, _) => return None,
            }
        }
        let kind = match bytes.get(1)? {
            2 => Kind::Return(answers),
            3 => Kind::Error(answers, error.to_owned()),
            4 => Kind::Signal(path.to_owned(), member.to_owned()),
            _ => Kind::Other,
        };
        Some(Self {
            kind,
            signature: signature.to_owned(),
            body: end.next_multiple_of(8),
            bytes,
        })
    }

    /// The arguments, if they are of the types that `signature` says.
    pub(super) fn arguments(&self, signature: &str) -> Option<Decoder<'_>> {
        (self.signature == signature).then_some(Decoder::new(&self.bytes, self.body))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An answer as a service sends it: the same layout as a call, with other header fields.
    fn answer(kind: u8, fields: impl FnOnce(&mut Encoder), body: &Encoder) -> Vec<u8> {
        let mut message = Encoder::new();
        message.raw(&[BYTE_ORDER, kind, 0, 1]);
        message.length(body.as_bytes().len());
        message.number(9);
        message.array(8, fields).align(8).raw(body.as_bytes());
        message.into_bytes().to_vec()
    }

    #[test]
    fn a_call_is_laid_out_as_the_specification_says() {
        let mut arguments = Encoder::new();
        arguments.string("a");
        let call = Call {
            destination: "d.d",
            path: "/p",
            interface: "i.i",
            method: "M",
            signature: "s",
            arguments,
        };
        let expected: [&[u8]; 8] = [
            if cfg!(target_endian = "little") {
                b"l\x01\0\x01"
            } else {
                b"B\x01\0\x01"
            },
            &[
                6_u32.to_ne_bytes(),
                7_u32.to_ne_bytes(),
                71_u32.to_ne_bytes(),
            ]
            .concat(),
            &[b"\x01\x01o\0", &2_u32.to_ne_bytes()[..], b"/p\0\0\0\0\0\0"].concat(),
            &[b"\x02\x01s\0", &3_u32.to_ne_bytes()[..], b"i.i\0\0\0\0\0"].concat(),
            &[b"\x03\x01s\0", &1_u32.to_ne_bytes()[..], b"M\0\0\0\0\0\0\0"].concat(),
            &[b"\x06\x01s\0", &3_u32.to_ne_bytes()[..], b"d.d\0\0\0\0\0"].concat(),
            b"\x08\x01g\0\x01s\0\0",
            &[&1_u32.to_ne_bytes()[..], b"a\0"].concat(),
        ];
        assert_eq!(*call.encode(7), expected.concat());
    }

    #[test]
    fn an_answer_gives_its_arguments_only_as_the_types_that_it_has() {
        let mut body = Encoder::new();
        body.boolean(true).string("x");
        let bytes = answer(
            2,
            |fields| {
                fields.align(8).raw(&[5]).signature("u").number(3);
                fields.align(8).raw(&[8]).signature("g").signature("bs");
            },
            &body,
        );
        let header = bytes[..FIXED_HEADER].try_into().unwrap();
        assert_eq!(message_length(&header), Some(bytes.len()));
        let message = Message::decode(bytes.into()).unwrap();
        assert_eq!(message.kind, Kind::Return(3));
        assert!(message.arguments("s").is_none());
        let mut arguments = message.arguments("bs").unwrap();
        assert_eq!(arguments.boolean(), Some(true));
        assert_eq!(arguments.string(), Some("x"));
        assert_eq!(arguments.string(), None);
    }

    #[test]
    fn an_endless_message_is_refused() {
        let mut header = [0; FIXED_HEADER];
        header[0] = BYTE_ORDER;
        header[4..8].copy_from_slice(&u32::MAX.to_ne_bytes());
        assert_eq!(message_length(&header), None);
    }

    proptest! {
        #[test]
        fn no_bytes_upset_the_decoder(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Some(message) = Message::decode(bytes.into()) {
                for signature in ["", "s", "aoao"] {
                    if let Some(mut arguments) = message.arguments(signature) {
                        arguments.strings();
                    }
                }
            }
        }
    }
}
