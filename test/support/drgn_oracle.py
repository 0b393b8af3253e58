"""What drgn reads at virtual addresses of every kind.

drgn_oracle.py sample CORE COUNT [VMLINUX]  COUNT addresses of each kind, one JSON object per line:
    kind, page (bytes of the page that maps it), vaddr, paddr (null: not mapped), bytes (null: not in the core)
drgn_oracle.py read CORE  virtual addresses come in as hexadecimal lines; 64 bytes from each go out so, or `-`
drgn_oracle.py tasks CORE VMLINUX  pid, state and command of every task, one per line
drgn_oracle.py log CORE VMLINUX  every record of the kernel log, one JSON object per line

The page tables are walked here, with drgn reading physical memory, and drgn's own reading of each virtual
address must give the same bytes; so two walks agree before the library is compared with them.
"""
import json
import random
import struct
import sys

import drgn

TEXT_MAP = 0xFFFFFFFF80000000       # __START_KERNEL_map, arch/x86/include/asm/page_64_types.h
MODULES_END = 0xFFFFFFFFFF000000    # MODULES_END, arch/x86/include/asm/pgtable_64_types.h
PRESENT, LARGE = 1, 0x80            # _PAGE_PRESENT, _PAGE_PSE
ADDRESS = 0x000FFFFFFFFFF000        # bits 12..51 of a page-table entry
PAGE = 4096


class Core:
    def __init__(self, path, vmlinux=None):
        self.prog = drgn.Program()
        self.prog.set_core_dump(path)
        if vmlinux:
            self.prog.load_debug_info([vmlinux])
        with open(path, "rb") as f:
            head = f.read(1 << 20)
        text = head[head.index(b"OSRELEASE="):]
        self.info = dict(line.split("=", 1) for line in text[:text.index(b"\0")].decode().splitlines())
        phoff, = struct.unpack_from("<Q", head, 32)
        count, = struct.unpack_from("<H", head, 56)
        headers = [struct.unpack_from("<IIQQQQQQ", head, phoff + 56 * i) for i in range(count)]
        self.loads = [(vaddr, vaddr + memsz) for kind, _, _, vaddr, _, _, memsz, _ in headers if kind == 1]
        self.phys_base = int(self.info["NUMBER(phys_base)"])

    def symbol(self, name):
        return int(self.info[f"SYMBOL({name})"], 16)

    def physical(self, address, size):
        return self.prog.read(address, size, True)

    def virtual(self, address, size):
        return self.prog.read(address, size)

    def leaves(self):
        """(virtual start, size, physical start) of everything mapped in the kernel's half, ascending."""
        levels = 5 if self.info.get("NUMBER(pgtable_l5_enabled)") == "1" else 4
        mask = ADDRESS & ~int(self.info.get("NUMBER(sme_mask)", "0"))
        top = self.symbol("swapper_pg_dir") - TEXT_MAP + self.phys_base
        unsigned = (1 << 64) - 1
        cached = {}

        def walk(table, level, base):
            shift = 12 + 9 * (level - 1)
            if table not in cached:
                cached[table] = struct.unpack("<512Q", self.physical(table, PAGE))
            for i, entry in enumerate(cached[table]):
                if not entry & PRESENT or (level == levels and i < 256):
                    continue
                vaddr = base | i << shift
                if level == levels:
                    vaddr |= unsigned << 12 + 9 * levels & unsigned
                if level == 1 or (level <= 3 and entry & LARGE):
                    size = 1 << shift
                    yield vaddr, size, entry & mask & ~(size - 1)
                else:
                    yield from walk(entry & mask, level - 1, vaddr)

        yield from walk(top, levels, 0)


def mem_map_base(core):
    """vmemmap: section_mem_map of any present section, without the flags (include/linux/mmzone.h)."""
    length = int(core.info["LENGTH(mem_section)"])
    roots = struct.unpack(f"<{length}Q", core.virtual(core.symbol("mem_section"), length * 8))
    size = int(core.info["SIZE(mem_section)"])
    for root in (r for r in roots if r):
        for i in range(PAGE // size):
            entry, = struct.unpack("<Q", core.virtual(root + i * size, 8))
            if entry & 1:
                return entry & ~0xFFF
    raise LookupError("no memory section is present")


def kinds(core):
    """(name, start, end) of the areas whose mappings are sampled."""
    direct = [(a, b) for a, b in core.loads if 0 < a < TEXT_MAP]
    direct_start, direct_end = min(a for a, _ in direct), max(b for _, b in direct)
    vmemmap = mem_map_base(core)
    image_end = TEXT_MAP + int(core.info.get("NUMBER(KERNEL_IMAGE_SIZE)", str(1 << 30)))
    yield "direct", direct_start, direct_end
    yield "vmalloc", direct_end, vmemmap
    yield "vmemmap", vmemmap, vmemmap + (1 << 40)
    yield "text", TEXT_MAP, image_end
    yield "modules", image_end, MODULES_END


def per_cpu(core):
    """(start, end) of each CPU's static variables; needs debug information."""
    # the variables are linked from 0 on, and __per_cpu_offset is where a CPU's copy begins
    first, last = (core.prog.symbol(name).address for name in ("__per_cpu_start", "__per_cpu_end"))
    cpus = core.prog["nr_cpu_ids"].value_()
    starts = [core.prog["__per_cpu_offset"][cpu].value_() for cpu in range(cpus)]
    return [(start, start + last - first) for start in starts]


def overlap(leaf, start, end):
    """The part of a leaf in start..end, or None."""
    vaddr, size, paddr = leaf
    low, high = max(vaddr, start), min(vaddr + size, end)
    return (low, high - low, paddr + low - vaddr) if low < high else None


def read_or_none(read, address, size):
    try:
        return read(address, size)
    except drgn.FaultError:
        return None


def sample(core, count, with_symbols):
    random.seed(1)
    leaves = list(core.leaves())
    areas = [(kind, [leaf for leaf in leaves if start <= leaf[0] < end]) for kind, start, end in kinds(core)]
    if with_symbols:
        parts = [overlap(leaf, start, end) for start, end in per_cpu(core) for leaf in leaves]
        areas.append(("percpu", [part for part in parts if part]))
    for kind, mapped in areas:
        for _ in range(count if mapped else 0):
            vaddr, size, paddr = random.choice(mapped)
            offset = random.randrange(size)
            length = min(random.choice((1, 8, 64, PAGE)), size - offset)
            by_virtual = read_or_none(core.virtual, vaddr + offset, length)
            by_physical = read_or_none(core.physical, paddr + offset, length)
            if by_virtual != by_physical:
                sys.exit(f"drgn and this walk disagree at {vaddr + offset:#x}")
            yield kind, size, vaddr + offset, paddr + offset, by_virtual
    vmalloc = dict(areas)["vmalloc"]
    gaps = [(v + s, w) for (v, s, _), (w, _, _) in zip(vmalloc, vmalloc[1:]) if v + s < w]
    for _ in range(count if gaps else 0):
        vaddr = random.randrange(*random.choice(gaps))
        if read_or_none(core.virtual, vaddr, 1) is not None:
            sys.exit(f"drgn reads {vaddr:#x}, which is not mapped")
        yield "unmapped", 0, vaddr, None, None


def main():
    what, path, *rest = sys.argv[1:]
    if what == "sample":
        count, *vmlinux = rest
        for kind, page, vaddr, paddr, data in sample(Core(path, *vmlinux), int(count), bool(vmlinux)):
            print(json.dumps({"kind": kind, "page": page, "vaddr": str(vaddr), "paddr": paddr,
                              "bytes": None if data is None else data.hex()}))
        return
    prog = drgn.Program()
    prog.set_core_dump(path)
    if what == "read":
        for line in sys.stdin:
            data = read_or_none(prog.read, int(line, 16), 64)
            print("-" if data is None else data.hex())
        return
    prog.load_debug_info(rest)
    if what == "log":
        from drgn.helpers.linux.printk import get_printk_records
        for record in get_printk_records(prog):
            line = record._asdict()
            line["text"] = record.text.hex()
            line["timestamp"] = str(record.timestamp)
            line["context"] = {key.decode(): value.decode() for key, value in record.context.items()}
            print(json.dumps(line))
    else:
        from drgn.helpers.linux.pid import for_each_task
        for task in for_each_task(prog):
            print(task.pid.value_(), task.__state.value_(), task.comm.string_().decode())


main()
