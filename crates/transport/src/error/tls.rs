use std::fmt;

/// What is wrong in a TLS handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsFailure {
    /// The server's certificate is of an authority that is not trusted.
    UnknownAuthority,
    /// It is for other hosts.
    WrongName,
    /// It has expired.
    Expired,
    /// It is not valid yet.
    NotYetValid,
    /// It is revoked.
    Revoked,
    /// Something else is wrong with it.
    BadCertificate,
    /// The server wants a client certificate, and none was shown.
    ClientCertificateRequired,
    /// The server does not accept the client certificate, or wants one.
    ClientCertificateRefused,
    /// There is no version of TLS or of HTTP, or no cipher, that both sides speak.
    NothingInCommon,
    /// Anything else.
    Other,
}

impl fmt::Display for TlsFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownAuthority => "the certificate is signed by an authority that is not trusted",
            Self::WrongName => "the certificate is for another host",
            Self::Expired => "the certificate has expired",
            Self::NotYetValid => "the certificate is not valid yet",
            Self::Revoked => "the certificate is revoked",
            Self::BadCertificate => "the certificate cannot be verified",
            Self::ClientCertificateRequired => "the server wants a client certificate",
            Self::ClientCertificateRefused => "the server does not accept the client certificate",
            Self::NothingInCommon => "no version or cipher in common",
            Self::Other => "it failed",
        })
    }
}
