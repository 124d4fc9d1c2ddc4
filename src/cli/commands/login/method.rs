//! Login methods.

/// The ways to log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Method {
    /// In a browser on this machine
    Browser,
    /// With a code that is entered in a browser anywhere
    Device,
    /// With a token that was made at the service
    Token,
    /// As the OAuth client itself, with its id and secret or key
    ClientCredentials,
    /// As a Google service account, with its key file
    ServiceAccount,
    /// As a job or workload, with the identity token of its platform
    WorkloadIdentity,
}

impl Method {
    /// Returns the method's name as `--method` takes it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::Device => "device",
            Self::Token => "token",
            Self::ClientCredentials => "client-credentials",
            Self::ServiceAccount => "service-account",
            Self::WorkloadIdentity => "workload-identity",
        }
    }

    /// Returns whether a person has to go to an address that the service's definition names.
    pub(super) fn begins_at_an_endpoint(self) -> bool {
        match self {
            Self::Browser | Self::Device => true,
            Self::Token
            | Self::ClientCredentials
            | Self::ServiceAccount
            | Self::WorkloadIdentity => false,
        }
    }

    /// Returns the method in words, to follow "a login".
    pub(super) fn described(self) -> &'static str {
        match self {
            Self::Browser => "in the browser",
            Self::Device => "with a code that is entered elsewhere",
            Self::Token => "with a token that was made at the service",
            Self::ClientCredentials => "as the client itself",
            Self::ServiceAccount => "as a service account",
            Self::WorkloadIdentity => "as a job or workload",
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn a_method_is_typed_as_it_is_named() {
        for method in Method::value_variants() {
            assert_eq!(Method::from_str(method.name(), false), Ok(*method));
        }
    }
}
