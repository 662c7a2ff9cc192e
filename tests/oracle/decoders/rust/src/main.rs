//! Decodes trace requests, framed on standard input, and encodes them anew, with prost: decode DESCRIPTORS

use std::io::{self, Read, Write};

use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage};

const REFUSED: u32 = u32::MAX;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: decode DESCRIPTORS")?;
    let pool = DescriptorPool::decode(std::fs::read(path)?.as_slice())?;
    let request = pool
        .get_message_by_name("opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest")
        .ok_or("no such message")?;
    let mut input = Vec::new();
    io::stdin().read_to_end(&mut input)?;
    let mut rest = input.as_slice();
    let mut out = io::stdout().lock();
    while !rest.is_empty() {
        let (head, after) = rest.split_at(4);
        let (body, after) = after.split_at(u32::from_le_bytes(head.try_into()?) as usize);
        rest = after;
        match DynamicMessage::decode(request.clone(), body) {
            Ok(message) => {
                let again = message.encode_to_vec();
                out.write_all(&(again.len() as u32).to_le_bytes())?;
                out.write_all(&again)?;
            }
            Err(_) => out.write_all(&REFUSED.to_le_bytes())?,
        }
    }
    Ok(())
}
