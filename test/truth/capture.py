"""Captures what passes one interface to and from given addresses, with the kernel's own timestamps.

    capture.py INTERFACE OUTPUT ADDRESS...

Prints "ready" once it listens and captures until its standard input closes. Python's standard library only; needs CAP_NET_RAW in
the network namespace it runs in, which `unshare -Ur` gives (tcpdump fails there: it wants to become another user).

The kernel writes packets into a ring of blocks (TPACKET_V3) and this program copies whole blocks to OUTPUT, so that its cost does
not depend on the number of packets. What a block holds is told by captured-packets.ts, which reads it:

    OUTPUT  = "HFCAP1\\n" record* end
    record  = "B" realtime-minus-monotonic ns (int64) length (uint32) block (linux/if_packet.h, tpacket_block_desc)
    end     = "E" realtime-minus-monotonic ns (int64) packets (uint32) drops (uint32)

All numbers little-endian, as the kernel of every machine this runs on writes them. A file without its end is of a capture that was
killed, and proves nothing; nor does one with drops.
"""

import ctypes
import ipaddress
import mmap
import select
import socket
import struct
import sys
import time

SOL_PACKET = 263
PACKET_RX_RING = 5
PACKET_STATISTICS = 6
PACKET_VERSION = 10
TPACKET_V3 = 2
SO_ATTACH_FILTER = 26
ETH_P_ALL = 0x0003

BLOCK_BYTES = 1 << 18
BLOCKS = 64
RETIRE_MS = 50
SNAP_BYTES = 192
STATUS_USER = 1


def instruction(code, jt, jf, k):
    """One instruction of classic BPF (linux/filter.h)."""
    return struct.pack("HBBI", code, jt, jf, k)


def filter_for(addresses):
    """A BPF program that passes the packets whose IP source or destination is one of `addresses`."""
    load_half, load_word, jump_equal, give = 0x28, 0x20, 0x15, 0x06
    program = []
    for address in map(ipaddress.ip_address, addresses):
        ether_type = 0x0800 if address.version == 4 else 0x86DD
        words = struct.unpack("!%dI" % (len(address.packed) // 4), address.packed)
        for offset in (26, 30) if address.version == 4 else (22, 38):
            # Each test ends in its own "give", since a jump reaches 255 instructions at most.
            left = 2 * len(words) + 1
            program += [instruction(load_half, 0, 0, 12), instruction(jump_equal, 0, left, ether_type)]
            for index, word in enumerate(words):
                left -= 2
                program += [instruction(load_word, 0, 0, offset + 4 * index), instruction(jump_equal, 0, left, word)]
            program.append(instruction(give, 0, 0, SNAP_BYTES))
    program.append(instruction(give, 0, 0, 0))
    return program


def open_ring(interface, addresses):
    """A packet socket on `interface` and its ring."""
    # Protocol 0: nothing arrives before the filter and the ring stand.
    packets = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    program = filter_for(addresses)
    code = ctypes.create_string_buffer(b"".join(program))
    packets.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", len(program), ctypes.addressof(code)))
    packets.setsockopt(SOL_PACKET, PACKET_VERSION, TPACKET_V3)
    frame = 2048
    ring = struct.pack("IIIIIII", BLOCK_BYTES, BLOCKS, frame, BLOCK_BYTES * BLOCKS // frame, RETIRE_MS, 0, 0)
    packets.setsockopt(SOL_PACKET, PACKET_RX_RING, ring)
    blocks = mmap.mmap(packets.fileno(), BLOCK_BYTES * BLOCKS, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
    packets.bind((interface, ETH_P_ALL))
    return packets, blocks


def clock_gap_ns():
    """Realtime minus monotonic: a step of the wall clock shows in it."""
    return time.time_ns() - time.monotonic_ns()


def main(interface, output, addresses):
    packets, blocks = open_ring(interface, addresses)
    current = 0

    def copy_full_blocks(to):
        nonlocal current
        while True:
            start = current * BLOCK_BYTES
            # tpacket_block_desc: version, offset_to_priv, then tpacket_hdr_v1: status, packets, first, length.
            status, _count, _first, length = struct.unpack_from("IIII", blocks, start + 8)
            if not status & STATUS_USER:
                return
            to.write(b"B" + struct.pack("<qI", clock_gap_ns(), length) + blocks[start : start + length])
            struct.pack_into("I", blocks, start + 8, 0)
            current = (current + 1) % BLOCKS

    with open(output, "wb") as file:
        file.write(b"HFCAP1\n")
        print("ready", flush=True)
        poll = select.poll()
        poll.register(packets, select.POLLIN)
        poll.register(sys.stdin, select.POLLIN | select.POLLHUP)
        while True:
            told = dict(poll.poll(1000))
            copy_full_blocks(file)
            if packets.fileno() in told and told[packets.fileno()] & select.POLLERR:
                # The interface went down (a cut link): reading the error clears it, and packets come again with the link.
                packets.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if sys.stdin.fileno() in told and sys.stdin.buffer.raw.read(1 << 16) == b"":
                break
        # A block that is not full is handed over after RETIRE_MS.
        time.sleep(3 * RETIRE_MS / 1000)
        copy_full_blocks(file)
        seen, dropped, _freezes = struct.unpack("III", packets.getsockopt(SOL_PACKET, PACKET_STATISTICS, 12))
        file.write(b"E" + struct.pack("<qII", clock_gap_ns(), seen, dropped))


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
