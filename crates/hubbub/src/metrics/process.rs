//! What the system says of this process, under the names that boards expect. Nothing where there is no `/proc`.

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{counter::ConstCounter, gauge::ConstGauge},
};
use std::{fmt, fs};

/// See the module.
#[derive(Debug)]
pub(super) struct Process;

/// Ticks of a second in `/proc`: the same on every Linux that programs see (`USER_HZ`).
const TICKS: f64 = 100.0;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut gauge = |name: &str, help: &str, value: Option<f64>| {
            let Some(value) = value else { return Ok(()) };
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)
        };
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
        let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let booted = fs::read_to_string("/proc/stat").unwrap_or_default();
        let open = fs::read_dir("/proc/self/fd").ok().map(|files| files.count() as f64);
        gauge("process_resident_memory_bytes", "Memory in use", kibibytes(&status, "VmRSS:"))?;
        gauge("process_virtual_memory_bytes", "Address space in use", kibibytes(&status, "VmSize:"))?;
        gauge("process_open_fds", "Open files and sockets", open)?;
        gauge("process_max_fds", "How many may be open", word(&limits, "Max open files", 3))?;
        let started = of_stat(&stat, 21).zip(word(&booted, "btime", 1)).map(|(ticks, boot)| boot + ticks / TICKS);
        gauge("process_start_time_seconds", "When it was started, in seconds since 1970", started)?;
        let Some(used) = of_stat(&stat, 13).zip(of_stat(&stat, 14)).map(|(user, system)| (user + system) / TICKS)
        else {
            return Ok(());
        };
        let used = ConstCounter::new(used);
        let help = "CPU time used, in user and kernel";
        used.encode(encoder.encode_descriptor("process_cpu_seconds", help, None, used.metric_type())?)
    }
}

/// The word at this place of the line that begins so.
fn word(text: &str, begin: &str, place: usize) -> Option<f64> {
    let line = text.lines().find(|line| line.starts_with(begin))?;
    line.split_whitespace().nth(place)?.parse().ok()
}

fn kibibytes(status: &str, name: &str) -> Option<f64> {
    word(status, name, 1).map(|kib| kib * 1_024.0)
}

/// A field of `/proc/self/stat`, counted from 0. The second is the program's name, which may have blanks and brackets in it.
fn of_stat(stat: &str, field: usize) -> Option<f64> {
    let behind_name = stat.rsplit_once(')')?.1;
    behind_name.split_whitespace().nth(field - 2)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_whatever_the_program_is_called() {
        let stat = "7 (a) (b c) S 1 7 7 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 9 0 4711 1000 2000";
        assert_eq!((of_stat(stat, 13), of_stat(stat, 14), of_stat(stat, 21)), (Some(250.0), Some(50.0), Some(4_711.0)));
        assert_eq!(kibibytes("VmSize:\t  10 kB\nVmRSS:\t   4 kB\n", "VmRSS:"), Some(4_096.0));
        let limits = "Limit    Soft Limit   Hard Limit   Units\nMax open files            1024      4096      files\n";
        assert_eq!(word(limits, "Max open files", 3), Some(1_024.0));
        assert_eq!((of_stat("", 13), word("", "btime", 1)), (None, None));
    }
}
