//! What a process writes, read while the test goes on.

use std::io::Read;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

/// What a process writes to one of its streams, read beside it.
pub(crate) struct Transcript {
    text: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Transcript {
    /// Reads `stream` to its end in a thread of its own.
    pub(crate) fn of(mut stream: impl Read + Send + 'static) -> Self {
        let text = Arc::new(Mutex::new(Vec::new()));
        let reader = thread::spawn({
            let text = Arc::clone(&text);
            move || {
                let mut chunk = [0; 1024];
                while let Ok(count @ 1..) = stream.read(&mut chunk) {
                    text.lock().unwrap().extend_from_slice(&chunk[..count]);
                }
            }
        });
        Self { text, reader: Some(reader) }
    }

    /// What came until now.
    pub(crate) fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.text.lock().unwrap()).into_owned()
    }

    /// All of it, once the stream has ended.
    pub(crate) fn wait_for_end(&mut self) -> Vec<u8> {
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
        std::mem::take(&mut self.text.lock().unwrap())
    }
}
