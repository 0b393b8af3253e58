"""What libkdumpfile reads from a dump.

libkdumpfile.py pages DUMP       page frame numbers come in on stdin (64 bits, little-endian), pages go out
libkdumpfile.py virtual DUMP     virtual addresses come in as hexadecimal lines; 64 bytes from each go out so, or `-`
libkdumpfile.py attributes DUMP  JSON
"""
import json
import struct
import sys

import kdumpfile

PAGE = 4096


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


def main():
    what, path = sys.argv[1:]
    dump = kdumpfile.kdumpfile(path)
    dump.attr["addrxlat.ostype"] = "linux"
    {"pages": pages, "virtual": virtual, "attributes": attributes}[what](dump)


main()
