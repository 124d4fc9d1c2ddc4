//! How values lie in a D-Bus message (D-Bus specification, "Type System" and "Marshaling").
//!
//! Knows the few types that the Secret Service speaks in. Everything is in the machine's own byte
//! order, as the programs on one machine's bus agree on. A secret may be in any message, so every
//! buffer wipes itself and is big enough from the start not to move.

use zeroize::Zeroizing;

/// Writes values one after another, each where its type may begin.
pub(super) struct Encoder(Zeroizing<Vec<u8>>);

impl Encoder {
    pub(super) fn new() -> Self {
        Self(Zeroizing::new(Vec::with_capacity(4096)))
    }

    /// A string or an object path.
    pub(super) fn string(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes());
        self.0.push(0);
        self
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.length(bytes.len());
        self.0.extend_from_slice(bytes);
        self
    }

    pub(super) fn boolean(&mut self, value: bool) -> &mut Self {
        self.number(value.into());
        self
    }

    /// A variant's type; its value comes next.
    pub(super) fn signature(&mut self, signature: &str) -> &mut Self {
        self.0
            .push(u8::try_from(signature.len()).unwrap_or_default());
        self.0.extend_from_slice(signature.as_bytes());
        self.0.push(0);
        self
    }

    /// An array of what `elements` writes, each of which begins at a multiple of `alignment`.
    pub(super) fn array(
        &mut self,
        alignment: usize,
        elements: impl FnOnce(&mut Self),
    ) -> &mut Self {
        self.length(0);
        let length_ends = self.0.len();
        self.align(alignment);
        let start = self.0.len();
        elements(self);
        let length = as_u32(self.0.len() - start);
        self.0[length_ends - 4..length_ends].copy_from_slice(&length.to_ne_bytes());
        self
    }

    /// A dictionary of strings.
    pub(super) fn dictionary(&mut self, entries: &[(&str, &str)]) -> &mut Self {
        self.array(8, |array| {
            for (key, value) in entries {
                array.align(8).string(key).string(value);
            }
        })
    }

    /// Structures and dictionary entries begin at a multiple of 8.
    pub(super) fn align(&mut self, alignment: usize) -> &mut Self {
        let length = self.0.len().next_multiple_of(alignment);
        self.0.resize(length, 0);
        self
    }

    pub(super) fn length(&mut self, length: usize) {
        self.number(as_u32(length));
    }

    pub(super) fn number(&mut self, number: u32) {
        self.align(4).raw(&number.to_ne_bytes());
    }

    /// Bytes as they are.
    pub(super) fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn into_bytes(self) -> Zeroizing<Vec<u8>> {
        self.0
    }
}

/// What we send is far below 4 GiB.
fn as_u32(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// Reads values one after another; `None` means that the message is not what it claims to be.
pub(super) struct Decoder<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Decoder<'a> {
    /// Reads `bytes`, a whole message or the head of one, from the offset `at`.
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    /// The offset of what is read next.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// A string or an object path.
    pub(super) fn string(&mut self) -> Option<&'a str> {
        let text = self.bytes()?;
        self.take(1)?;
        str::from_utf8(text).ok()
    }

    pub(super) fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.length()?;
        self.take(length)
    }

    pub(super) fn boolean(&mut self) -> Option<bool> {
        Some(self.number()? != 0)
    }

    pub(super) fn signature(&mut self) -> Option<&'a str> {
        let length = self.byte()?;
        let text = self.take(length.into())?;
        self.take(1)?;
        str::from_utf8(text).ok()
    }

    /// An array of strings or object paths.
    pub(super) fn strings(&mut self) -> Option<Vec<&'a str>> {
        let end = self.length()?.checked_add(self.at)?;
        let mut strings = Vec::new();
        while self.at < end {
            strings.push(self.string()?);
        }
        Some(strings)
    }

    /// A structure begins here.
    pub(super) fn align(&mut self, alignment: usize) -> &mut Self {
        self.at = self.at.next_multiple_of(alignment);
        self
    }

    pub(super) fn length(&mut self) -> Option<usize> {
        usize::try_from(self.number()?).ok()
    }

    pub(super) fn number(&mut self) -> Option<u32> {
        let bytes = self.align(4).take(4)?.try_into().ok()?;
        Some(u32::from_ne_bytes(bytes))
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(count)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }
}
