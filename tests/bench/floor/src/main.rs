//! The least that a run can cost: `floor LIST` asks the kernel what LIST says, a line each (`read PATH`, `list PATH`,
//! `link PATH`, `stat PATH`, `statfs PATH`, `access PATH`, `dump TYPE`), and throws the answers away.
//! `floor -- COMMAND…` runs a command and says its peak memory in KiB: of a child of something small, since what the
//! parent had counts too.

use std::{
    env,
    ffi::{CString, c_char, c_int, c_long, c_void},
    fs::{self, File},
    io::Read,
    process::{Command, Stdio},
};

const AF_NETLINK: c_int = 16;
const SOCK_RAW: c_int = 3;
const NLMSG_DONE: u16 = 3;
const NLM_F_REQUEST_DUMP: u16 = 0x301;
const RUSAGE_CHILDREN: c_int = -1;

unsafe extern "C" {
    fn socket(domain: c_int, kind: c_int, protocol: c_int) -> c_int;
    fn send(fd: c_int, buffer: *const c_void, length: usize, flags: c_int) -> isize;
    fn recv(fd: c_int, buffer: *mut c_void, length: usize, flags: c_int) -> isize;
    fn close(fd: c_int) -> c_int;
    fn access(path: *const c_char, mode: c_int) -> c_int;
    fn statfs(path: *const c_char, buffer: *mut c_void) -> c_int;
    fn getrusage(who: c_int, usage: *mut c_void) -> c_int;
}

fn main() {
    let mut arguments = env::args().skip(1);
    match arguments.next().as_deref() {
        Some("--") => peak(&arguments.collect::<Vec<_>>()),
        Some(list) => ask(&fs::read_to_string(list).expect("the list")),
        None => panic!("floor LIST, or floor -- COMMAND"),
    }
}

fn peak(command: &[String]) {
    let status = Command::new(&command[0]).args(&command[1..]).stdout(Stdio::null()).status();
    status.expect("the command");
    // Two times of two words each come first, then the peak.
    let mut usage: [c_long; 36] = [0; 36];
    // SAFETY: the buffer is larger than a struct rusage (18 words).
    unsafe { getrusage(RUSAGE_CHILDREN, usage.as_mut_ptr().cast()) };
    println!("{}", usage[4]);
}

fn ask(list: &str) {
    let mut chunk = vec![0; 64 * 1024];
    for line in list.lines() {
        let Some((what, of)) = line.split_once(' ') else { continue };
        match what {
            "read" => {
                if let Ok(mut file) = File::open(of) {
                    while matches!(file.read(&mut chunk), Ok(read) if read > 0) {}
                }
            }
            "list" => drop(fs::read_dir(of).map(Iterator::count)),
            "link" => drop(fs::read_link(of)),
            "stat" => drop(fs::metadata(of)),
            "dump" => dump(of.parse().expect("a number"), &mut chunk),
            _ => {
                let path = CString::new(of).expect("no NUL");
                // SAFETY: the path ends in NUL; the buffer is larger than a struct statfs (15 words).
                unsafe {
                    if what == "access" {
                        access(path.as_ptr(), 2);
                    } else {
                        statfs(path.as_ptr(), chunk.as_mut_ptr().cast());
                    }
                }
            }
        }
    }
}

/// A dump of rtnetlink(7): the answers are read, and only looked at for their end.
fn dump(kind: u16, chunk: &mut [u8]) {
    let mut request = [0_u8; 32];
    request[0] = 32;
    request[4..6].copy_from_slice(&kind.to_ne_bytes());
    request[6..8].copy_from_slice(&NLM_F_REQUEST_DUMP.to_ne_bytes());
    // SAFETY: both buffers live over the calls, whose lengths are theirs.
    unsafe {
        let fd = socket(AF_NETLINK, SOCK_RAW, 0);
        if send(fd, request.as_ptr().cast(), request.len(), 0) > 0 {
            loop {
                let got = recv(fd, chunk.as_mut_ptr().cast(), chunk.len(), 0);
                if got <= 0 || is_last(&chunk[..got.unsigned_abs()]) {
                    break;
                }
            }
        }
        close(fd);
    }
}

/// Whether a datagram holds the end of the dump, or an error.
fn is_last(mut datagram: &[u8]) -> bool {
    while datagram.len() >= 16 {
        let length = u32::from_ne_bytes([datagram[0], datagram[1], datagram[2], datagram[3]]) as usize;
        if u16::from_ne_bytes([datagram[4], datagram[5]]) <= NLMSG_DONE {
            return true;
        }
        let next = length.max(16).next_multiple_of(4);
        datagram = datagram.get(next..).unwrap_or_default();
    }
    false
}
