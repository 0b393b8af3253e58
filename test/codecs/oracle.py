"""What the C libraries make of stored pages, and what they store: liblzo2 and libsnappy through ctypes.

oracle.py CODEC decompress|compress PAGE_SIZE   lengths (32 bits, little-endian) and bytes come in on stdin, and go out
"""
import ctypes
import struct
import sys

size_t = ctypes.c_size_t


def lzo(decompress, data, page):
    library = ctypes.CDLL("liblzo2.so.2")
    out = ctypes.create_string_buffer(2 * page)
    length = ctypes.c_ulong(page if decompress else 2 * page)
    if decompress:
        result = library.lzo1x_decompress_safe(data, ctypes.c_ulong(len(data)), out, ctypes.byref(length), None)
    else:
        work = ctypes.create_string_buffer(1 << 17)
        result = library.lzo1x_1_compress(data, ctypes.c_ulong(len(data)), out, ctypes.byref(length), work)
    return result, out.raw[: length.value]


def snappy(decompress, data, page):
    library = ctypes.CDLL("libsnappy.so.1")
    out = ctypes.create_string_buffer(2 * page)
    length = size_t(page if decompress else 2 * page)
    call = library.snappy_uncompress if decompress else library.snappy_compress
    result = call(data, size_t(len(data)), out, ctypes.byref(length))
    return result, out.raw[: length.value]


def main():
    codec, what, page = sys.argv[1:]
    data = sys.stdin.buffer.read()
    at = 0
    while at < len(data):
        (length,) = struct.unpack_from("<I", data, at)
        result, out = {"lzo": lzo, "snappy": snappy}[codec](
            what == "decompress", data[at + 4 : at + 4 + length], int(page)
        )
        if result != 0:
            out = b""
        sys.stdout.buffer.write(struct.pack("<I", len(out)) + out)
        at += 4 + length


main()
