//! A real nginx before some instances, to be thrown away.

use super::balancer::{Balancer, shipped, with_instances};
use std::{net::SocketAddr, path::Path};

/// The balancer.
#[derive(Debug)]
pub struct Nginx(Balancer);

impl Nginx {
    /// Starts one before these instances: round robin, nothing sticky, and buffering as it comes.
    ///
    /// # Panics
    /// Without an installed nginx.
    pub async fn before(instances: &[SocketAddr]) -> Self {
        Self(Balancer::start("nginx", |directory, addr| plain(directory, addr, instances), run).await)
    }

    /// Starts one with `deploy/nginx/hubbub.conf`: it goes by the query or the header `sticky`.
    ///
    /// # Panics
    /// Without an installed nginx.
    pub async fn sticky_before(instances: &[SocketAddr]) -> Self {
        let configured = |directory: &Path, addr| Self::configuration(directory, addr, instances);
        Self(Balancer::start("nginx", configured, run).await)
    }

    /// Where it listens.
    pub const fn addr(&self) -> SocketAddr {
        self.0.addr()
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        self.0.log()
    }

    /// The shipped file, with its files below a directory.
    pub fn configuration(directory: &Path, addr: SocketAddr, instances: &[SocketAddr]) -> String {
        let place = directory.display();
        let text = shipped(
            "nginx/hubbub.conf",
            &[
                ("user www-data;\n", "daemon off;\nmaster_process off;\n"),
                ("/run/nginx.pid;", &format!("{place}/pid;")),
                ("/var/log/nginx/", &format!("{place}/")),
                ("worker_rlimit_nofile 65536;\n", ""),
                ("worker_connections 32768;", "worker_connections 4096;"),
                ("http {\n", &format!("http {{\n{}", places(directory))),
                ("listen 80 ", &format!("listen {addr} ")),
            ],
        );
        with_instances(&text, instances)
    }
}

fn run(file: &Path) -> Vec<String> {
    vec!["-e".into(), "stderr".into(), "-c".into(), file.display().to_string()]
}

/// Where it puts what it keeps for a while.
fn places(directory: &Path) -> String {
    ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|what| format!("    {what}_temp_path {}/{what};\n", directory.display()))
        .concat()
}

fn plain(directory: &Path, addr: SocketAddr, instances: &[SocketAddr]) -> String {
    let servers: String = instances.iter().map(|instance| format!("        server {instance};\n")).collect();
    let places = places(directory);
    let directory = directory.display();
    format!(
        r#"
daemon off;
master_process off;
pid {directory}/pid;
error_log stderr error;
events {{ worker_connections 1024; }}
http {{
    access_log off;
{places}
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
