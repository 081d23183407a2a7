//! As much of the Redis protocol as a door has to understand: where one frame ends, and what a command says.

/// Longest frame a door keeps in memory.
pub const FRAME_BYTES: usize = 16 * 1024 * 1024;

/// The length of the frame at the start of `bytes`, commands and replies of RESP2 and RESP3 alike. `None`: not all of
/// it is there yet.
pub fn frame(bytes: &[u8]) -> Option<usize> {
    let (mut at, mut left) = (0, 1_usize);
    while left > 0 {
        let line = line(&bytes[at..])?;
        let number = || std::str::from_utf8(&line[1..]).ok()?.parse::<usize>().ok();
        let kind = line.first().copied();
        at += line.len() + 2;
        left -= 1;
        match kind {
            // A null is written as length -1.
            Some(b'$' | b'=' | b'!') => at += number().map_or(0, |length| length + 2),
            Some(b'*' | b'~' | b'>') => left += number().unwrap_or(0),
            Some(b'%') => left += 2 * number().unwrap_or(0),
            // An attribute stands before the frame it belongs to.
            Some(b'|') => left += 2 * number().unwrap_or(0) + 1,
            _ => {}
        }
        if at > bytes.len() {
            return None;
        }
    }
    Some(at)
}

/// The `n`th word of a command, counted from 0.
pub fn word(command: &[u8], n: usize) -> Option<&[u8]> {
    let mut rest = command.get(line(command)?.len() + 2..)?;
    for left in (0..=n).rev() {
        let head = line(rest)?;
        let length: usize = std::str::from_utf8(head.get(1..)?).ok()?.parse().ok()?;
        let start = head.len() + 2;
        if left == 0 {
            return rest.get(start..start + length);
        }
        rest = rest.get(start + length + 2..)?;
    }
    None
}

/// The command of these words.
pub fn command(words: &[&[u8]]) -> Vec<u8> {
    let mut command = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        command.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        command.extend_from_slice(word);
        command.extend_from_slice(b"\r\n");
    }
    command
}

fn line(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes.windows(2).position(|two| two == b"\r\n")?;
    Some(&bytes[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_ends_where_it_ends_and_not_before() {
        let publish = command(&[b"PUBLISH", b"c", b"a\r\nb*$"]);
        for whole in [
            &publish[..],
            b"+OK\r\n",
            b":1\r\n",
            b"$-1\r\n",
            b"$0\r\n\r\n",
            b"*-1\r\n",
            b"*0\r\n",
            b"_\r\n",
            b"%1\r\n+a\r\n*2\r\n:1\r\n$1\r\nx\r\n",
            b">3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n",
            b"|1\r\n+a\r\n+b\r\n:7\r\n",
        ] {
            let two = [whole, b":1\r\n"].concat();
            assert_eq!(frame(&two), Some(whole.len()));
            for short in 0..whole.len() {
                assert_eq!(frame(&whole[..short]), None, "{:?}", String::from_utf8_lossy(&whole[..short]));
            }
        }
        assert_eq!(word(&publish, 0), Some(&b"PUBLISH"[..]));
        assert_eq!(word(&publish, 2), Some(&b"a\r\nb*$"[..]));
        assert_eq!(word(&publish, 3), None);
    }
}
