//! stub
use super::environment::Environment;
pub(crate) struct Browser;
impl Browser {
    pub(crate) fn find(_: &Environment) -> Option<Self> {
        None
    }
    pub(crate) fn open(&self, _: &Environment, _: &url::Url) -> std::io::Result<()> {
        Ok(())
    }
}
