//! TLS as Docker's clients speak it: the daemon's certificate has to be signed by their `ca.pem`, and they
//! show theirs (docker/cli `cli/config`, go-connections `tlsconfig`).

use std::{
    fs::File,
    io::{self, Read, Write},
    net::{IpAddr, Ipv4Addr},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    AlertDescription, CertificateError, ClientConfig, ClientConnection, Error, RootCertStore,
    StreamOwned, SupportedProtocolVersion,
    client::danger::ServerCertVerifier,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem, pem::PemObject},
    version::TLS12,
};

use self::verifier::Verifier;
use super::steps::Failure;

#[cfg(test)]
mod tests;
mod verifier;

/// Bytes of a file of certificates, or of a key.
const LIMIT: u64 = 1024 * 1024;

/// `ClientHello` of TLS 1.2, to which a server answers with its certificates in the clear.
pub(super) fn hello(host: &str) -> Vec<u8> {
    let roots = Arc::new(RootCertStore::empty());
    // Where there is no name to send, none is sent.
    let name = server_name(host).unwrap_or(ServerName::from(IpAddr::V4(Ipv4Addr::UNSPECIFIED)));
    let config = config(&[&TLS12]).map(|config| config.with_root_certificates(roots));
    let config = config.map(|config| Arc::new(config.with_no_client_auth()));
    let mut hello = Vec::new();
    if let Ok(mut connection) = config.and_then(|config| ClientConnection::new(config, name)) {
        // It is written into memory.
        let _ = connection.write_tls(&mut hello);
    }
    hello
}

/// A client of a daemon, with what it needs for its connections.
pub(super) struct Client {
    config: Arc<ClientConfig>,
    host: String,
    authority: PathBuf,
}

impl Client {
    /// One that trusts `ca.pem` in the directory, and is known by `cert.pem` and `key.pem` there.
    pub(super) fn with_certificates(host: &str, directory: &Path) -> Result<Self, Failure> {
        let authority = directory.join("ca.pem");
        let trusted = certificates(&authority)?;
        let own = certificates(&directory.join("cert.pem"))?;
        let path = directory.join("key.pem");
        let key = PrivateKeyDer::from_pem_slice(&read(&path)?).map_err(|e| no_pem(&path, &e))?;
        let verifier = Verifier::trusting(trusted)
            .map_err(|what| Failure::seen(format!("{}: {what}", authority.display())))?;
        let verifier: Arc<dyn ServerCertVerifier> = Arc::new(verifier);
        let config = config(rustls::DEFAULT_VERSIONS).and_then(|config| {
            let config = config.dangerous().with_custom_certificate_verifier(verifier);
            config.with_client_auth_cert(own, key)
        });
        let config = config.map_err(|e| Failure::seen(format!("{}: {e}", directory.display())))?;
        Ok(Self { config: Arc::new(config), host: host.to_owned(), authority })
    }

    /// A connection of which the handshake is done.
    pub(super) fn connect<S: Read + Write>(
        &self,
        mut stream: S,
    ) -> Result<Session<'_, S>, Failure> {
        let name = server_name(&self.host).ok_or_else(|| {
            Failure::seen(format!("no certificate can be for the name {}", self.host))
        })?;
        let mut connection = ClientConnection::new(Arc::clone(&self.config), name)
            .map_err(|error| Failure::seen(error.to_string()))?;
        while connection.is_handshaking() {
            connection.complete_io(&mut stream).map_err(|error| self.explain(error))?;
        }
        let stream = StreamOwned::new(connection, stream);
        Ok(Session { stream, client: self, refused: None })
    }

    fn explain(&self, error: io::Error) -> Failure {
        let tls = error.get_ref().and_then(|inner| inner.downcast_ref());
        match tls {
            Some(Error::InvalidCertificate(why)) => Failure::seen(self.explain_certificate(why)),
            Some(Error::AlertReceived(alert)) if is_about_client(*alert) => {
                Failure::seen(format!("it refuses the client's certificate ({alert:?})"))
            }
            Some(Error::AlertReceived(alert)) => {
                Failure::seen(format!("it ends the handshake ({alert:?})"))
            }
            Some(Error::InvalidMessage(_)) => Failure::seen(NOT_TLS),
            Some(other) => Failure::seen(other.to_string()),
            None if error.kind() == io::ErrorKind::TimedOut => Failure::seen("no answer in time"),
            None if error.kind() == io::ErrorKind::UnexpectedEof => {
                Failure::seen("it ends the connection")
            }
            None => error.into(),
        }
    }

    fn explain_certificate(&self, why: &CertificateError) -> String {
        match why {
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                format!("its certificate is not signed by {}", self.authority.display())
            }
            CertificateError::NotValidForName => {
                format!("its certificate is not for {}", self.host)
            }
            CertificateError::NotValidForNameContext { presented, .. } => {
                let names: Vec<_> = presented.iter().take(8).map(|name| plain(name)).collect();
                format!("its certificate is not for {}, but for {}", self.host, names.join(", "))
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "its certificate has expired, by the clock of this machine".into()
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "its certificate is not valid yet, by the clock of this machine".into()
            }
            other => format!("its certificate is not accepted: {other}"),
        }
    }
}

/// `DnsName("docker")` is how they are shown.
fn plain(name: &str) -> &str {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.unwrap_or(name).trim_matches('"')
}

/// What is said of a server that answers something else.
pub(super) const NOT_TLS: &str = "the answer is not TLS";

const fn is_about_client(alert: AlertDescription) -> bool {
    matches!(
        alert,
        AlertDescription::BadCertificate
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateRequired
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateUnknown
            | AlertDescription::DecryptError
            | AlertDescription::UnknownCA
            | AlertDescription::UnsupportedCertificate
    )
}

/// A connection over TLS. Since TLS 1.3 a server refuses its client only when that reads: then it is kept why.
pub(super) struct Session<'a, S: Read + Write> {
    stream: StreamOwned<ClientConnection, S>,
    client: &'a Client,
    pub(super) refused: Option<Failure>,
}

impl<S: Read + Write> Session<'_, S> {
    /// Who does not read any more may have said why.
    fn hear_last_word(&mut self) {
        let StreamOwned { conn, sock } = &mut self.stream;
        while let Ok(1..) = conn.read_tls(sock) {
            if let Err(error) = conn.process_new_packets() {
                self.refused = Some(self.client.explain(io::Error::other(error)));
                return;
            }
        }
    }
}

impl<S: Read + Write> Read for Session<'_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.stream.read(buffer) {
            // Go's servers close without TLS's own goodbye; the answer says how long it is.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(0),
            Err(error) if error.get_ref().is_some() => {
                let kind = error.kind();
                self.refused = Some(self.client.explain(error));
                Err(kind.into())
            }
            Err(error) => {
                self.hear_last_word();
                Err(error)
            }
            Ok(read) => Ok(read),
        }
    }
}

impl<S: Read + Write> Write for Session<'_, S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.stream.write(bytes);
        if written.is_err() {
            self.hear_last_word();
        }
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

fn config(
    versions: &[&'static SupportedProtocolVersion],
) -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, Error> {
    let provider = Arc::new(ring::default_provider());
    ClientConfig::builder_with_provider(provider).with_protocol_versions(versions)
}

fn server_name(host: &str) -> Option<ServerName<'static>> {
    let host = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    ServerName::try_from(host.to_owned()).ok()
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let bytes = read(path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match found {
        Ok(found) if found.is_empty() => Err(no_pem(path, &pem::Error::NoItemsFound)),
        Ok(found) => Ok(found),
        Err(error) => Err(no_pem(path, &error)),
    }
}

fn no_pem(path: &Path, error: &pem::Error) -> Failure {
    Failure::seen(format!("{}: {error}", path.display()))
}

/// A regular file, up to its limit; a pipe would wait for a writer.
fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let opened = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path);
    let done = opened.and_then(|file| file.take(LIMIT).read_to_end(&mut bytes));
    match done {
        Ok(_) => Ok(bytes),
        Err(error) => {
            let what = error.raw_os_error().map(nix::errno::Errno::from_raw);
            let what = what.map_or_else(|| error.to_string(), |errno| format!("{errno:?}"));
            Err(Failure::seen(format!("{}: {what}", path.display())))
        }
    }
}
