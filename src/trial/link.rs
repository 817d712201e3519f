//! Links and addresses of the network namespace that this process is in, by rtnetlink(7).
//!
//! Messages are made by the crate of that name. They are not sent by its handle: that needs an executor, which is
//! lost where a filter refuses `epoll_wait`, and parses every kind of message, for answers that are a number.

use std::net::Ipv4Addr;

use netlink_packet_core::{
    ErrorBuffer, NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST, NLMSG_ERROR, NetlinkBuffer,
    NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use nix::{errno::Errno, net::if_::if_nametoindex, unistd::Pid};
use rtnetlink::{
    AddressMessageBuilder, LinkMessageBuilder, LinkUnspec, LinkVeth,
    packet_route::{
        RouteNetlinkMessage,
        link::{InfoData, InfoVeth},
    },
    sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE},
};

use super::steps::{Failure, invalid};

/// A pair of veth links, the second one in the network namespace of the process `there`.
pub(crate) fn veth(here: &str, far: &str, there: Pid) -> Result<(), Failure> {
    let there = there.as_raw().unsigned_abs();
    let peer = LinkMessageBuilder::<LinkUnspec>::new().name(far).setns_by_pid(there).build();
    let link = LinkVeth::new(here, far).set_info_data(InfoData::Veth(InfoVeth::Peer(peer)));
    request(RouteNetlinkMessage::NewLink(link.build()), NLM_F_CREATE | NLM_F_EXCL)
}

/// Gives the link an address and sets it up.
pub(crate) fn up(name: &str, address: Ipv4Addr, prefix: u8) -> Result<(), Failure> {
    let index = if_nametoindex(name)?;
    let message =
        AddressMessageBuilder::<Ipv4Addr>::new().index(index).address(address, prefix).build();
    request(RouteNetlinkMessage::NewAddress(message), NLM_F_CREATE | NLM_F_EXCL)?;
    let link = LinkUnspec::new_with_index(index).up().build();
    request(RouteNetlinkMessage::SetLink(link), 0)
}

/// Asks for one change, and waits for the kernel's answer.
fn request(message: RouteNetlinkMessage, flags: u16) -> Result<(), Failure> {
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | NLM_F_ACK | flags;
    let mut message = NetlinkMessage::new(header, NetlinkPayload::from(message));
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    let socket = Socket::new(NETLINK_ROUTE)?;
    socket.send_to(&bytes, &SocketAddr::new(0, 0), 0)?;
    let (answer, _) = socket.recv_from_full()?;
    acknowledged(&answer)
}

/// What the kernel's answer to a request says.
pub(crate) fn acknowledged(answer: &[u8]) -> Result<(), Failure> {
    let answer = NetlinkBuffer::new_checked(answer).map_err(invalid)?;
    if answer.message_type() != NLMSG_ERROR {
        return Ok(());
    }
    match ErrorBuffer::new_checked(answer.payload()).map_err(invalid)?.code() {
        None => Ok(()),
        Some(code) => Err(Errno::from_raw(code.get().saturating_neg()).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(code: i32) -> Vec<u8> {
        let body = [code.to_ne_bytes().to_vec(), vec![0; 16]].concat();
        let length = u32::try_from(16 + body.len()).unwrap();
        let header = [&length.to_ne_bytes()[..], &NLMSG_ERROR.to_ne_bytes(), &[0; 10]].concat();
        [header, body].concat()
    }

    #[test]
    fn an_answer_is_an_error_number_or_none() {
        assert!(acknowledged(&answer(0)).is_ok());
        let refused = acknowledged(&answer(-libc::EEXIST)).unwrap_err();
        assert_eq!(format!("{refused:?}"), format!("{:?}", Failure::from(Errno::EEXIST)));
        assert!(acknowledged(&answer(0)[..18]).is_err(), "half an answer is none");
    }
}
