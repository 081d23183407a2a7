//! A database that is further away: a port of this machine behind which every byte takes its time in both directions. Bytes
//! under way do not wait for each other, so pipelining gains here what it gains over a network.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// Pieces under way on one connection, in one direction.
const UNDER_WAY: usize = 4_096;

/// Opens a port that leads to `target` and adds `round_trip`. It stays until the program ends.
pub fn to(target: u16, round_trip: Duration) -> anyhow::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    let one_way = round_trip / 2;
    thread::spawn(move || {
        for near in listener.incoming().flatten() {
            let Ok(far) = TcpStream::connect(("127.0.0.1", target)) else { continue };
            let _ = (near.set_nodelay(true), far.set_nodelay(true));
            let (Ok(near_end), Ok(far_end)) = (near.try_clone(), far.try_clone()) else { continue };
            carry(near, far_end, one_way);
            carry(far, near_end, one_way);
        }
    });
    Ok(port)
}

fn carry(mut from: TcpStream, mut to: TcpStream, one_way: Duration) {
    let (pieces, arriving) = mpsc::sync_channel::<(Instant, Vec<u8>)>(UNDER_WAY);
    thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(bytes) = from.read(&mut buffer) {
            let piece = (Instant::now() + one_way, buffer[..bytes].to_vec());
            if bytes == 0 || pieces.send(piece).is_err() {
                return;
            }
        }
    });
    thread::spawn(move || {
        while let Ok((due, piece)) = arriving.recv() {
            thread::park_timeout(due.saturating_duration_since(Instant::now()));
            if to.write_all(&piece).is_err() {
                return;
            }
        }
        let _ = to.shutdown(std::net::Shutdown::Both);
    });
}
