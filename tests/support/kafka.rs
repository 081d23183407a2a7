//! A real Kafka to be thrown away: one server that is its own controller, its logs in a directory that goes with it.

use super::door::Door;
use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tokio::{sync::OnceCell, time::sleep};

/// How long a server may take to start on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(60);

/// The server.
#[derive(Debug)]
pub struct Kafka {
    port: u16,
    /// A way in that can be cut: whoever comes through it is told to come through it again.
    pub door: Door,
    directory: PathBuf,
    child: Option<Child>,
    /// Waits for the end of its input, which is ours, and cleans up: a `static` is never dropped.
    undertaker: Option<Child>,
}

impl Kafka {
    /// The one server of this program.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceCell<Kafka> = OnceCell::const_new();
        SHARED.get_or_init(Self::start).await
    }

    /// Starts one on free ports.
    ///
    /// # Panics
    /// Without Java and the jars that scripts/install-services fetches.
    pub async fn start() -> Self {
        let directory = tempfile::Builder::new().prefix("hubbub-kafka-").tempdir().expect("a directory").keep();
        let [port, controller, behind] = std::array::from_fn(|_| super::ports::free_port());
        let door = Door::to((Ipv4Addr::LOCALHOST, behind).into()).await;
        let data = directory.join("data");
        fs::create_dir(&data).expect("a directory");
        fs::write(data.join("meta.properties"), "version=1\ncluster.id=AAAAAAAAAAAAAAAAAAAAAQ\nnode.id=1\n")
            .expect("a file");
        let settings = [
            "process.roles=broker,controller".into(),
            "node.id=1".into(),
            format!("controller.quorum.voters=1@127.0.0.1:{controller}"),
            format!(
                "listeners=PLAINTEXT://127.0.0.1:{port},DOOR://127.0.0.1:{behind},CONTROLLER://127.0.0.1:{controller}"
            ),
            format!("advertised.listeners=PLAINTEXT://127.0.0.1:{port},DOOR://{}", door.addr()),
            "inter.broker.listener.name=PLAINTEXT".into(),
            "controller.listener.names=CONTROLLER".into(),
            "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,DOOR:PLAINTEXT".into(),
            format!("log.dirs={}", data.display()),
            "offsets.topic.replication.factor=1".into(),
            "auto.create.topics.enable=false".into(),
        ];
        fs::write(directory.join("server.properties"), settings.join("\n")).expect("a file");
        let mut kafka = Self { port, door, directory, child: None, undertaker: None };
        kafka.restart().await;
        kafka
    }

    /// Its URL, for `--bus`.
    pub fn url(&self) -> String {
        format!("kafka://{}", self.addr())
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }

    /// Kills it.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if let Some(mut undertaker) = self.undertaker.take() {
            let _ = undertaker.kill();
            let _ = undertaker.wait();
        }
    }

    /// Starts it anew on its port, with what it kept. Returns once it listens.
    pub async fn restart(&mut self) {
        self.stop();
        let log = fs::File::create(self.directory.join("out")).expect("a file");
        let child = java(&self.directory.join("server.properties"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file"))
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("java ({error}): run scripts/install-services"));
        let undertaker = Command::new("sh")
            .args(["-c", "read -r _; kill -KILL \"$0\"; while kill -0 \"$0\"; do sleep 0.1; done; rm -rf \"$1\""])
            .arg(child.id().to_string())
            .arg(&self.directory)
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh");
        (self.child, self.undertaker) = (Some(child), Some(undertaker));
        let began = Instant::now();
        while TcpStream::connect(self.addr()).is_err() {
            let ended = self.child.as_mut().is_none_or(|child| !matches!(child.try_wait(), Ok(None)));
            if ended || began.elapsed() > PATIENCE {
                let said = fs::read_to_string(self.directory.join("out")).unwrap_or_default();
                panic!("Kafka did not start; are there jars in {}? {said}", jars().display());
            }
            sleep(Duration::from_millis(20)).await;
        }
        println!("Kafka listens after {:.1?}", began.elapsed());
    }

    /// What one of Kafka's own tools prints about it, like `org.apache.kafka.tools.TopicCommand`.
    pub fn ask(&self, tool: &str, arguments: &[&str]) -> String {
        let output = Command::new("java")
            .args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp"])
            .arg(jars().join("*"))
            .arg(tool)
            .args(["--bootstrap-server", &self.addr().to_string()])
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .expect("java");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        said
    }
}

impl Drop for Kafka {
    fn drop(&mut self) {
        self.stop();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn jars() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../.tools/kafka"))
}

fn java(settings: &Path) -> Command {
    let mut java = Command::new("java");
    // Quick to start and small.
    java.args(["-Xms64m", "-Xmx384m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp"]);
    java.arg(jars().join("*")).arg("kafka.Kafka").arg(settings);
    java
}
