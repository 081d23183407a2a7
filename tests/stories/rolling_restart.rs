//! Three instances behind nginx go from the first version to this one and back, one after another, while people talk.

use crate::{
    cluster::{Cluster, breathe, old_program},
    figure::{self, Panel},
    fleet::{Fleet, tenths},
    wire::{DEADLINE, Wire},
};
use std::{
    fmt::Write,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// The last commit of the first version.
const FIRST: &str = "178721b";
const PHONES: usize = 300;
const WINDOW: Duration = Duration::from_secs(6);

/// A balancer that sends a refused socket to the next instance, as docs/operating.md has it.
struct Balancer {
    addr: SocketAddr,
    process: Child,
    directory: tempfile::TempDir,
}

impl Balancer {
    async fn before(instances: &[SocketAddr]) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let place = directory.path().display();
        let addr = crate::support::ports::free_addr();
        let servers = instances.iter().fold(String::new(), |mut servers, instance| {
            let _ = writeln!(servers, "server {instance} max_fails=0;");
            servers
        });
        let configuration = format!(
            "daemon off; master_process off; pid {place}/pid; error_log {place}/log;
            events {{ worker_connections 4096; }}
            http {{
                access_log off;
                client_body_temp_path {place}/a; proxy_temp_path {place}/b; fastcgi_temp_path {place}/c;
                uwsgi_temp_path {place}/d; scgi_temp_path {place}/e;
                upstream hubbub {{ {servers} }}
                server {{
                    listen {addr} backlog=4096;
                    location / {{
                        proxy_pass http://hubbub;
                        proxy_http_version 1.1;
                        proxy_set_header Host $http_host;
                        proxy_set_header Upgrade $http_upgrade;
                        proxy_set_header Connection upgrade;
                        proxy_next_upstream error timeout http_503;
                        proxy_connect_timeout 2s;
                        proxy_read_timeout 75s;
                    }}
                }}
            }}"
        );
        let file = directory.path().join("nginx.conf");
        std::fs::write(&file, configuration).expect("a file");
        let process = Command::new("nginx")
            .env("PATH", format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default()))
            .arg("-e")
            .arg(directory.path().join("log"))
            .arg("-c")
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("nginx; `make services` installs it");
        let began = Instant::now();
        while Wire::open(addr, None).await.is_err() {
            assert!(began.elapsed() < DEADLINE, "nginx does not serve");
            breathe().await;
        }
        Self { addr, process, directory }
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default();
            log.lines().take(8).for_each(|line| eprintln!("nginx: {line}"));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test]
async fn a_rolling_restart_to_another_version_and_back_loses_and_doubles_nothing() {
    if std::env::var_os("HUBBUB_LONG").is_none() {
        return println!(
            "left to `make test-long` and `make rolling-restart`: it builds the program of an earlier version"
        );
    }
    let (old, new) = (old_program(FIRST), PathBuf::from(env!("CARGO_BIN_EXE_hubbub")));
    let mut cluster = Cluster::running(3, &old).await;
    let names: Vec<String> = (0..PHONES).map(|n| format!("phone-{n}")).collect();
    let members: Vec<&str> = names.iter().map(String::as_str).collect();
    cluster.room("hall", "private", &members).await;
    let balancer = Balancer::before(&[cluster.at(0), cluster.at(1), cluster.at(2)]).await;
    let fleet = Fleet::start(&names, "hall", &[balancer.addr], Duration::from_secs(15));
    fleet.are("follow the room", |phone| phone.live).await;

    let mut panels = Vec::new();
    for (program, window, words) in
        [(&new, "6s", "first version to this one"), (&old, "0", "this one to the first version")]
    {
        for n in 0..3 {
            let began = Instant::now();
            cluster.stop(n).await;
            let went = began.elapsed();
            fleet.are("are back", |phone| phone.live).await;
            let returns = fleet.returns(began, WINDOW);
            let by_tenth = tenths(&returns);
            let spread = program == &old;
            println!("instance {n}, {words}: {by_tenth:?} of {} came back; gone after {went:.2?}", returns.len());
            if spread {
                let most = *by_tenth.iter().max().expect("ten");
                assert!(!returns.is_empty() && most * 100 <= 30 * returns.len() + 100, "one tenth holds {most}");
            }
            panels.push(Panel { title: format!("instance {}: {words}", n + 1), tenths: by_tenth, spread });
            cluster.instances[n].program.clone_from(program);
            cluster.instances[n].window = window;
            cluster.restart(n).await;
        }
    }
    let acknowledged = fleet.verify(async || cluster.log("hall").await).await;
    println!("{acknowledged} acknowledged messages, each once and in order on {PHONES} phones, through six restarts");
    fleet.ends().await;

    let title = format!("Rolling restart: {PHONES} clients, reconnects in each tenth of {} s", WINDOW.as_secs());
    let footnote =
        "Brown: the first version goes, which has no drain window. Green: this version goes, with --drain-window 6s.";
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/figures/rolling-restart.svg");
    std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
    std::fs::write(file, figure::draw(&title, footnote, &panels)).expect("the plot");
}
