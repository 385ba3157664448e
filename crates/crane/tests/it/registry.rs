//! A registry in this process, whose requests can be counted and made to fail.

use tokio::runtime::{Builder, Runtime};
use wharf::name::Reference;
use wharf::registry::Registry;
use wharf::registry::server::Server;
use wharf::remote::Client;
use wharf::v1::{Image, Index};

/// A registry on a thread of its own: tests run commands and wait for them, as a shell does.
pub(crate) struct TestRegistry {
    pub(crate) registry: Registry,
    pub(crate) host: String,
    runtime: Runtime,
    _server: Server,
}

impl TestRegistry {
    pub(crate) fn start() -> Self {
        Self::serve(Registry::in_memory())
    }

    pub(crate) fn serve(registry: Registry) -> Self {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("runtime");
        let server = runtime
            .block_on(Server::bind(registry.clone(), "127.0.0.1:0"))
            .expect("loopback");
        Self {
            registry,
            host: server.host(),
            runtime,
            _server: server,
        }
    }

    /// The full name of something in this registry.
    pub(crate) fn at(&self, name: &str) -> String {
        format!("{}/{name}", self.host)
    }

    pub(crate) fn run<T>(&self, job: impl Future<Output = T>) -> T {
        self.runtime.block_on(job)
    }

    /// Puts an image into the registry, and says its digest.
    pub(crate) fn put_image(&self, name: &str, image: &dyn Image) -> String {
        let job = async { client().write(&self.reference(name), image).await };
        let written = self.run(job).expect("written");
        self.requests();
        written.digest().to_string()
    }

    /// Puts an index into the registry, and says its digest.
    pub(crate) fn put_index(&self, name: &str, index: &dyn Index) -> String {
        let job = async { client().write_index(&self.reference(name), index).await };
        let written = self.run(job).expect("written");
        self.requests();
        written.digest().to_string()
    }

    /// What the registry says that a name stands for; none if it knows nothing of it.
    pub(crate) fn digest(&self, name: &str) -> Option<String> {
        let job = async { client().head(&self.reference(name)).await };
        match self.run(job) {
            Ok(descriptor) => Some(descriptor.digest().to_string()),
            Err(error) if error.is_not_found() => None,
            Err(error) => panic!("{error}"),
        }
    }

    /// The requests since this was asked last.
    pub(crate) fn requests(&self) -> Vec<String> {
        let lines = self.registry.log().lines();
        drop(self.registry.log().take());
        lines
    }

    fn reference(&self, name: &str) -> Reference {
        self.at(name).parse().expect("reference")
    }
}

fn client() -> Client {
    Client::new().expect("client")
}
