//! A real nginx before some instances, to be thrown away: round robin, nothing sticky, and buffering as it comes.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// The balancer.
#[derive(Debug)]
pub struct Nginx {
    addr: SocketAddr,
    process: Child,
    _directory: tempfile::TempDir,
}

impl Nginx {
    /// Starts one before these instances.
    ///
    /// # Panics
    /// Without an installed nginx.
    pub async fn before(instances: &[SocketAddr]) -> Self {
        for _ in 0..20 {
            if let Some(nginx) = Self::start(instances).await {
                return nginx;
            }
        }
        panic!("nginx does not start");
    }

    async fn start(instances: &[SocketAddr]) -> Option<Self> {
        let addr = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|l| l.local_addr()).expect("a free port");
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("nginx.conf");
        std::fs::write(&file, configuration(directory.path(), addr, instances)).expect("a configuration");
        let process = Command::new("nginx")
            .env("PATH", format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default()))
            .args(["-e", "stderr", "-c", &file.to_string_lossy()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("nginx ({error}): run scripts/install-services"));
        let mut nginx = Self { addr, process, _directory: directory };
        let asked = Instant::now();
        while asked.elapsed() < Duration::from_secs(10) {
            // Another server may have taken the port meanwhile.
            if !matches!(nginx.process.try_wait(), Ok(None)) {
                return None;
            }
            if TcpStream::connect(addr).is_ok() {
                return Some(nginx);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        None
    }

    /// Where it listens.
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn configuration(directory: &Path, addr: SocketAddr, instances: &[SocketAddr]) -> String {
    let directory = directory.display();
    let servers: String = instances.iter().map(|instance| format!("        server {instance};\n")).collect();
    format!(
        r#"
daemon off;
master_process off;
pid {directory}/pid;
error_log stderr error;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    map $http_upgrade $connection_header {{ default upgrade; "" ""; }}
    upstream hubbub {{
{servers}    }}
    server {{
        listen {addr};
        location / {{
            proxy_pass http://hubbub;
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_header;
            proxy_read_timeout 75s;
        }}
    }}
}}
"#
    )
}
