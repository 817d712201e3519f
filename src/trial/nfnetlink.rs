//! Objects of nf_tables in the network namespace that this process is in, made by nfnetlink, each in a
//! transaction of its own.

use netlink_packet_core::{
    DefaultNla, Emitable, NLA_F_NESTED, NLM_F_ACK, NLM_F_CREATE, NLM_F_REQUEST, NLMSG_ERROR,
    NetlinkBuffer, NetlinkHeader, NetlinkMessage, NetlinkPayload, NetlinkSerializable,
};
use rtnetlink::sys::{Socket, SocketAddr, protocols::NETLINK_NETFILTER};

use super::{
    link::acknowledged,
    steps::{Failure, invalid},
};

/// `NFNL_SUBSYS_NFTABLES`.
const SUBSYSTEM: u16 = 10;
/// `NFPROTO_IPV4`.
const IPV4: u8 = 2;
const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;

/// Kinds of objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum New {
    Table = 0,
    Chain = 3,
    Rule = 6,
}

/// `struct nfgenmsg` with attributes.
struct Message {
    kind: u16,
    family: u8,
    /// `res_id`: the subsystem of a batch.
    resource: u16,
    attributes: Vec<DefaultNla>,
}

const GENERIC_HEADER: usize = 4;

impl NetlinkSerializable for Message {
    fn message_type(&self) -> u16 {
        self.kind
    }

    fn buffer_len(&self) -> usize {
        GENERIC_HEADER + self.attributes.as_slice().buffer_len()
    }

    fn serialize(&self, buffer: &mut [u8]) {
        let (header, attributes) = buffer.split_at_mut(GENERIC_HEADER);
        let [high, low] = self.resource.to_be_bytes();
        header.copy_from_slice(&[self.family, 0, high, low]);
        self.attributes.as_slice().emit(attributes);
    }
}

impl Message {
    fn bytes(self, flags: u16) -> Vec<u8> {
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | flags;
        let mut message = NetlinkMessage::new(header, NetlinkPayload::InnerMessage(self));
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        bytes
    }
}

/// Makes one object of IPv4, and waits for the kernel's answer.
pub(super) fn create(new: New, attributes: Vec<DefaultNla>) -> Result<(), Failure> {
    let socket = Socket::new(NETLINK_NETFILTER)?;
    socket.send_to(&batch(new, attributes), &SocketAddr::new(0, 0), 0)?;
    loop {
        // The first answer decides: a transaction that fails as a whole says so before it says that the
        // object was right.
        let (bytes, _) = socket.recv_from_full()?;
        let answer = NetlinkBuffer::new_checked(&bytes).map_err(invalid)?;
        if answer.message_type() == NLMSG_ERROR {
            return acknowledged(&bytes);
        }
    }
}

fn batch(new: New, attributes: Vec<DefaultNla>) -> Vec<u8> {
    let frame = |kind| Message { kind, family: 0, resource: SUBSYSTEM, attributes: Vec::new() };
    let object =
        Message { kind: SUBSYSTEM << 8 | new as u16, family: IPV4, resource: 0, attributes };
    [frame(BATCH_BEGIN).bytes(0), object.bytes(NLM_F_CREATE | NLM_F_ACK), frame(BATCH_END).bytes(0)]
        .concat()
}

/// A string with its NUL.
pub(super) fn text(kind: u16, value: &str) -> DefaultNla {
    DefaultNla::new(kind, [value.as_bytes(), &[0]].concat())
}

/// A number in network byte order, as nf_tables wants them.
pub(super) fn number(kind: u16, value: i32) -> DefaultNla {
    DefaultNla::new(kind, value.to_be_bytes().to_vec())
}

/// Attributes in an attribute.
pub(super) fn nested(kind: u16, attributes: &[DefaultNla]) -> DefaultNla {
    let mut bytes = vec![0; attributes.buffer_len()];
    attributes.emit(&mut bytes);
    DefaultNla::new(kind | NLA_F_NESTED, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_framed_by_a_batch() {
        let inner = nested(4, &[number(1, -300)]);
        let bytes = batch(New::Chain, vec![text(1, "nat"), inner]);
        let mut messages = Vec::new();
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let message = NetlinkBuffer::new_checked(rest).unwrap();
            let length = message.length() as usize;
            messages.push((message.message_type(), message.flags(), rest[16..length].to_vec()));
            rest = &rest[length..];
        }
        let frame = vec![0, 0, 0, 10];
        let header = [2, 0, 0, 0];
        let name = [[8, 0, 1, 0], *b"nat\0"].concat();
        let hook = [[12, 0, 4, 0x80], [8, 0, 1, 0], [255, 255, 254, 212]].concat();
        let chain = [&header[..], &name, &hook].concat();
        assert_eq!(messages[0], (0x10, 1, frame.clone()));
        assert_eq!(messages[1], (0xa03, 0x405, chain));
        assert_eq!(messages[2], (0x11, 1, frame));
    }
}
