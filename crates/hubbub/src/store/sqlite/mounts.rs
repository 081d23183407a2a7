//! Which file systems are no place for a database: those that other machines write to, too. Their locks and their inodes are
//! not what they are on a disk of one's own.

use std::path::Path;

/// What the kernel calls them.
const NETWORK: [&str; 26] = [
    "9p",
    "afs",
    "acfs",
    "beegfs",
    "ceph",
    "cifs",
    "coda",
    "davfs",
    "gfs",
    "gfs2",
    "glusterfs",
    "gpfs",
    "lustre",
    "ncpfs",
    "nfs",
    "nfs4",
    "nfsd",
    "ocfs2",
    "orangefs",
    "prl_fs",
    "pvfs2",
    "smb3",
    "smbfs",
    "vboxsf",
    "vmhgfs",
    "wekafs",
];

/// The same for those behind FUSE, as in `fuse.sshfs`.
const NETWORK_FUSE: [&str; 24] = [
    "afpfs",
    "blobfuse",
    "blobfuse2",
    "ceph-fuse",
    "curlftpfs",
    "davfs",
    "dropbox",
    "gcsfuse",
    "glusterfs",
    "goofys",
    "google-drive-ocamlfuse",
    "gvfsd-fuse",
    "juicefs",
    "mfs",
    "mount-s3",
    "onedriver",
    "rclone",
    "s3fs",
    "s3ql",
    "seaweedfs",
    "smbnetfs",
    "sshfs",
    "vmhgfs-fuse",
    "weed",
];

/// Whether a file system of this name is on the network.
fn is_network(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    match name.strip_prefix("fuse.") {
        Some(behind) => {
            let program = behind.rsplit('/').next().unwrap_or_default();
            NETWORK_FUSE.contains(&program) || NETWORK.contains(&program)
        }
        None => NETWORK.contains(&name.as_str()),
    }
}

/// The file system that a path is on, by Linux' list of mounts. The path has no links in it.
fn file_system<'a>(mountinfo: &'a str, path: &Path) -> Option<&'a str> {
    let mut found: Option<(usize, &str)> = None;
    for line in mountinfo.lines() {
        let Some((mount, rest)) = line.split_once(" - ") else { continue };
        let (Some(point), Some(name)) = (mount.split(' ').nth(4), rest.split(' ').next()) else { continue };
        let point = unescaped(point);
        // Of several on one point the last is on top.
        if path.starts_with(&point) && found.is_none_or(|(length, _)| point.len() >= length) {
            found = Some((point.len(), name));
        }
    }
    found.map(|(_, name)| name)
}

/// A path in which `\040` is a space, and so on.
fn unescaped(point: &str) -> String {
    let mut parts = point.split('\\');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                text.push(char::from(byte));
                text.push_str(part.get(3..).unwrap_or_default());
            }
            None => {
                text.push('\\');
                text.push_str(part);
            }
        }
    }
    text
}

/// The network file system that a path is on, if it is. Where the system does not tell, it is taken for a disk.
pub(crate) fn network_under(path: &Path) -> Option<String> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
    file_system(&mounts, path).filter(|name| is_network(name)).map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
23 22 0:5 / /dev rw - devtmpfs udev rw
40 22 0:50 / /srv/chat rw,relatime shared:9 master:2 - nfs4 box:/export rw,vers=4.2
41 40 8:2 / /srv/chat/local rw - xfs /dev/sdb1 rw
42 22 0:51 / /mnt/my\\040share rw - cifs //box/share rw
43 22 0:52 / /mnt/twice rw - ext4 /dev/sdc1 rw
44 43 0:53 / /mnt/twice rw - fuse.sshfs me@box: rw
45 22 0:54 / /mnt/layers rw - fuse.fuse-overlayfs fuse-overlayfs rw
46 22 0:55 / /mnt/usb rw - fuseblk /dev/sdd1 rw
";

    #[test]
    fn a_path_on_the_network_is_told_from_one_on_a_disk() {
        let on = |path: &str| file_system(MOUNTS, Path::new(path)).unwrap();
        for (path, name) in [
            ("/srv/chat/hubbub.db", "nfs4"),
            ("/mnt/my share/hubbub.db", "cifs"),
            ("/mnt/twice/hubbub.db", "fuse.sshfs"),
        ] {
            assert_eq!(on(path), name);
            assert!(is_network(name), "{name}");
        }
        for (path, name) in [
            ("/srv/chat/local/hubbub.db", "xfs"),
            ("/srv/chatter/hubbub.db", "ext4"),
            ("/mnt/layers/hubbub.db", "fuse.fuse-overlayfs"),
            ("/mnt/usb/hubbub.db", "fuseblk"),
            ("/hubbub.db", "ext4"),
        ] {
            assert_eq!(on(path), name);
            assert!(!is_network(name), "{name}");
        }
        for name in ["fuse.glusterfs", "fuse.s3fs", "fuse./usr/bin/rclone", "SMB3", "ocfs2", "9p"] {
            assert!(is_network(name), "{name}");
        }
        assert_eq!(file_system("nonsense\n1 - \n", Path::new("/x")), None);
    }
}
