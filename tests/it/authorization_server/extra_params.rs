//! Parameters that a client is to send beside those of the standards, request by request.

/// The additional parameters of a client: the request that carries each (its grant type, or
/// `authorize` or `device`), its name and its value.
#[derive(Debug, Clone, Default)]
pub(crate) struct ExtraParams(Vec<(&'static str, &'static str, &'static str)>);

impl ExtraParams {
    /// Expects one more parameter of `request`. One name may have several values.
    pub(super) fn add(&mut self, request: &'static str, name: &'static str, value: &'static str) {
        self.0.push((request, name, value));
    }

    /// Takes those of `request` out of `sent`, where each has to be once.
    pub(super) fn take(
        &self,
        request: &str,
        sent: &mut Vec<(String, String)>,
    ) -> Result<(), String> {
        for (_, name, value) in self.0.iter().filter(|(carrier, _, _)| *carrier == request) {
            let position = sent
                .iter()
                .position(|(sent_name, sent_value)| sent_name == name && sent_value == value)
                .ok_or_else(|| format!("no {name}={value} in {request}"))?;
            sent.remove(position);
        }
        Ok(())
    }
}
