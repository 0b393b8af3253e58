"""What libkdumpfile reads from a dump.

libkdumpfile.py pages DUMP...    page frame numbers come in on stdin (64 bits, little-endian), pages go out
libkdumpfile.py virtual DUMP     virtual addresses come in as hexadecimal lines; 64 bytes from each go out so, or `-`
libkdumpfile.py attributes DUMP  JSON

Its Python module opens one file; a split set is opened by the C function for that.
"""
import ctypes
import json
import os
import struct
import sys

import kdumpfile

PAGE = 4096


class SplitSet:
    """The members of a split set, in any order."""

    def __init__(self, paths):
        self.lib = ctypes.CDLL("libkdumpfile.so.10")
        self.lib.kdump_new.restype = ctypes.c_void_p
        self.lib.kdump_get_err.restype = ctypes.c_char_p
        self.ctx = ctypes.c_void_p(self.lib.kdump_new())
        fds = (ctypes.c_int * len(paths))(*(os.open(path, os.O_RDONLY) for path in paths))
        self.check(self.lib.kdump_open_fdset(self.ctx, len(paths), fds))

    def check(self, status):
        if status != 0:
            raise OSError(self.lib.kdump_get_err(self.ctx).decode())

    def read(self, space, address, length):
        buffer = ctypes.create_string_buffer(length)
        size = ctypes.c_size_t(length)
        self.check(self.lib.kdump_read(self.ctx, space, ctypes.c_uint64(address), buffer, ctypes.byref(size)))
        return buffer.raw


def pages(dump):
    for (pfn,) in struct.iter_unpack("<Q", sys.stdin.buffer.read()):
        page = dump.read(kdumpfile.KDUMP_MACHPHYSADDR, pfn * PAGE, PAGE)
        sys.stdout.buffer.write(page)


def virtual(dump):
    for line in sys.stdin:
        try:
            print(dump.read(kdumpfile.KDUMP_KVADDR, int(line, 16), 64).hex())
        except (kdumpfile.exceptions.AddressTranslationException, kdumpfile.exceptions.NoDataException):
            print("-")


def attributes(dump):
    attr = dump.attr
    cpus = range(attr["cpu.number"])
    registers = [{name: str(value) for name, value in attr[f"cpu.{cpu}.reg"].items()} for cpu in cpus]
    print(json.dumps({
        "format": attr["file.format"],
        "arch": attr["arch.name"],
        "pageSize": attr["arch.page_size"],
        "release": attr["linux.uts.release"],
        "vmcoreinfo": bytes(memoryview(attr["linux.vmcoreinfo.raw"])).decode("latin1"),
        "registers": registers,
    }))


def opened(path, *others):
    if others:
        return SplitSet([path, *others])
    dump = kdumpfile.kdumpfile(path)
    dump.attr["addrxlat.ostype"] = "linux"
    return dump


def main():
    what, *paths = sys.argv[1:]
    dump = opened(*paths)
    {"pages": pages, "virtual": virtual, "attributes": attributes}[what](dump)


main()
