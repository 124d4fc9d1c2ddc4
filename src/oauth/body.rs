//! The body of an answer, as it was read so far. It may hold secrets, so it is wiped.

use std::io::Read as _;

use flate2::read::MultiGzDecoder;
use zeroize::Zeroizing;

/// The largest answer that is read, in bytes, and the largest that a compressed one may become.
pub(super) const MAX_BODY: usize = 1024 * 1024;

/// The first size of the buffer for an answer, in bytes: most answers are shorter.
const INITIAL_CAPACITY: usize = 4 * 1024;

/// The first bytes of everything that gzip made (RFC 1952 §2.3.1). No answer that is a text begins
/// with them.
const GZIP: [u8; 2] = [0x1F, 0x8B];

/// The part of a body that was read. A buffer that proves too small is wiped before it is freed.
pub(super) struct Body(Zeroizing<Vec<u8>>);

impl Body {
    pub(super) fn new() -> Self {
        Self(Zeroizing::new(Vec::with_capacity(INITIAL_CAPACITY)))
    }

    /// Adds `chunk`, and returns false if the body becomes too long.
    pub(super) fn add(&mut self, chunk: &[u8]) -> bool {
        let length = self.0.len() + chunk.len();
        if length > MAX_BODY {
            return false;
        }
        if length > self.0.capacity() {
            let mut larger = Zeroizing::new(Vec::with_capacity(4 * length));
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
        self.0.extend_from_slice(chunk);
        true
    }

    /// Returns the whole body. Some servers and proxies compress what nobody asked them to: that is
    /// unpacked. What can't be unpacked, or would become too long, is returned as it came.
    pub(super) fn whole(self) -> Zeroizing<Vec<u8>> {
        if self.0.starts_with(&GZIP) { unpacked(&self.0).unwrap_or(self.0) } else { self.0 }
    }
}

fn unpacked(packed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut decoder = MultiGzDecoder::new(packed);
    let mut body = Body::new();
    let mut chunk = Zeroizing::new([0; INITIAL_CAPACITY]);
    loop {
        match decoder.read(&mut *chunk).ok()? {
            0 => return Some(body.0),
            read if body.add(&chunk[..read]) => {}
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn packed(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn whole(sent: &[u8]) -> Vec<u8> {
        let mut body = Body::new();
        assert!(sent.chunks(1000).all(|chunk| body.add(chunk)));
        body.whole().to_vec()
    }

    #[test]
    fn a_body_is_read_up_to_its_bound() {
        for length in [0, 1, INITIAL_CAPACITY, INITIAL_CAPACITY + 1, MAX_BODY] {
            let sent: Vec<u8> = (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect();
            assert_eq!(whole(&sent), sent, "{length}");
        }
        let mut body = Body::new();
        assert!(body.add(&vec![7; MAX_BODY]));
        assert!(!body.add(&[7]));
    }

    #[test]
    fn what_nobody_asked_to_be_compressed_is_unpacked_within_the_bound() {
        let text = br#"{"access_token":"made-up-1"}"#;
        assert_eq!(whole(&packed(text)), text);
        let largest = vec![b'x'; MAX_BODY];
        assert_eq!(whole(&packed(&largest)), largest);
        let bomb = packed(&vec![b'x'; MAX_BODY + 1]);
        assert_eq!(whole(&bomb), bomb);
        let broken = &packed(text)[..20];
        assert_eq!(whole(broken), broken);
    }
}
