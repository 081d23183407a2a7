use super::*;

const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = payload.len();
    let mut frame = match length {
        0..126 => vec![first, MASKED | length as u8],
        126..65_536 => [&[first, MASKED | 126], &(length as u16).to_be_bytes()[..]].concat(),
        _ => [&[first, MASKED | 127], &(length as u64).to_be_bytes()[..]].concat(),
    };
    frame.extend_from_slice(&MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

fn text(text: &str) -> Message {
    Message::Data(Kind::Text, Bytes::copy_from_slice(text.as_bytes()))
}

/// What a client says by these bytes, however they come.
fn said(bytes: &[u8], longest: usize) -> (Vec<Message>, Option<Fault>) {
    let read = |part: usize| {
        let mut reader = Reader::new(longest);
        let mut messages = Vec::new();
        for part in bytes.chunks(part.max(1)) {
            reader.take(part);
            loop {
                match reader.read() {
                    Ok(Some(message)) => messages.push(message),
                    Ok(None) => break,
                    Err(fault) => return (messages, Some(fault)),
                }
            }
        }
        (messages, None)
    };
    let whole = read(bytes.len());
    for part in [1, 2, 3, 7, 1000] {
        assert_eq!(read(part), whole, "in parts of {part}");
    }
    whole
}

#[test]
fn messages_come_out_whole_and_in_order() {
    let long = "x".repeat(70_000);
    let middle = "y".repeat(300);
    let bytes = [
        frame(0x81, b"hello"),
        frame(0x81, middle.as_bytes()),
        frame(0x89, b"are you there"),
        frame(0x82, &[0, 255]),
        frame(0x8a, b""),
        frame(0x81, long.as_bytes()),
        frame(0x88, &[&1000_u16.to_be_bytes()[..], b"bye"].concat()),
    ]
    .concat();
    let (messages, fault) = said(&bytes, 100_000);
    let expected = [
        text("hello"),
        text(&middle),
        Message::Ping(Bytes::from_static(b"are you there")),
        Message::Data(Kind::Binary, Bytes::from_static(&[0, 255])),
        Message::Pong,
        text(&long),
        Message::Close(Some(1000)),
    ];
    assert!(fault.is_none() && messages == expected);
}

#[test]
fn a_message_may_come_in_frames_with_control_frames_between_them() {
    let word = "grüße".as_bytes();
    let bytes = [
        frame(0x01, &word[..3]),
        frame(0x89, b"1"),
        frame(0x00, b""),
        frame(0x8a, b""),
        frame(0x80, &word[3..]),
        frame(0x82, b""),
    ]
    .concat();
    let expected = vec![
        Message::Ping(Bytes::from_static(b"1")),
        Message::Pong,
        text("grüße"),
        Message::Data(Kind::Binary, Bytes::new()),
    ];
    assert_eq!(said(&bytes, 100), (expected, None));
}

#[test]
fn what_is_no_websocket_is_told_as_soon_as_it_is_seen() {
    let close = |payload: &[u8]| frame(0x88, payload);
    for (what, bytes, fault) in [
        ("a reserved bit", frame(0xc1, b"x"), Fault::Broken),
        ("an opcode that does not exist", frame(0x83, b"x"), Fault::Broken),
        ("no mask", vec![0x81, 1, b'x'], Fault::Broken),
        ("a ping in parts", frame(0x09, b"x"), Fault::Broken),
        ("a long ping", frame(0x89, &[0; 126]), Fault::Broken),
        ("a continuation of nothing", frame(0x80, b"x"), Fault::Broken),
        ("another message within one", [frame(0x01, b"x"), frame(0x81, b"y")].concat(), Fault::Broken),
        ("half a code", close(&[3]), Fault::Broken),
        ("a code for nobody", close(&1005_u16.to_be_bytes()), Fault::Broken),
        ("a code of the standard's", close(&2999_u16.to_be_bytes()), Fault::Broken),
        ("a reason that is no text", close(&[3, 232, 0xff]), Fault::NotUtf8),
        ("a text that is none", frame(0x81, &[0xff]), Fault::NotUtf8),
        ("half a letter", [frame(0x01, &[0xc3]), frame(0x80, b"")].concat(), Fault::NotUtf8),
        ("too long", frame(0x81, &[b'x'; 101]), Fault::TooLong),
        ("too long in all", [frame(0x01, &[b'x'; 60]), frame(0x80, &[b'x'; 41])].concat(), Fault::TooLong),
        ("longer than anything", vec![0x81, 0xff, 255, 255, 255, 255, 255, 255, 255, 255], Fault::TooLong),
    ] {
        assert_eq!(said(&bytes, 100), (vec![], Some(fault)), "{what}");
    }
    assert_eq!(said(&close(b""), 100), (vec![Message::Close(None)], None));
}

#[test]
fn of_what_was_handed_out_nothing_is_kept() {
    let mut reader = Reader::new(1000);
    reader.take(&[frame(0x81, b"one"), frame(0x81, b"two")[..4].to_vec()].concat());
    assert_eq!(reader.read(), Ok(Some(text("one"))));
    assert_eq!((reader.read(), reader.held()), (Ok(None), 4));
    reader.take(&frame(0x81, b"two")[4..]);
    assert_eq!(reader.read(), Ok(Some(text("two"))));
    assert_eq!((reader.held(), reader.bytes.capacity()), (0, 0));
}

#[test]
fn a_byte_of_what_comes_next_keeps_no_long_frame() {
    let long = "x".repeat(200_000);
    let next = frame(0x81, b"next");
    let mut reader = Reader::new(300_000);
    for _ in 0..3 {
        reader.take(&[&frame(0x81, long.as_bytes()), &next[..1]].concat());
        assert_eq!(reader.read(), Ok(Some(text(&long))));
        assert_eq!((reader.read(), reader.held()), (Ok(None), 1));
        assert!(reader.bytes.capacity() < 100, "{} bytes", reader.bytes.capacity());
        reader.take(&next[1..]);
        assert_eq!(reader.read(), Ok(Some(text("next"))));
    }
}

#[test]
fn heads_have_three_lengths() {
    for (payload, expected) in [
        (125, vec![0x81, 125]),
        (126, vec![0x81, 126, 0, 126]),
        (65_535, vec![0x81, 126, 255, 255]),
        (65_536, vec![0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
    ] {
        let (head, bytes) = head(Kind::Text, payload);
        assert_eq!(head[..bytes], expected);
    }
    assert_eq!(head(Kind::Pong, 0).0[0], 0x8a);
}
