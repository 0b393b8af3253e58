"""Reads pages of a dump through libkdumpfile.

Arguments: the dump, the page size. Input: JSON list of pfns. Output: JSON object of pfn to the SHA-256 of the page, or
to the name of the exception; and the format and CPU count under 'format' and 'cpus'.
"""
import hashlib
import json
import sys

import kdumpfile

path, page_size = sys.argv[1], int(sys.argv[2])
dump = kdumpfile.kdumpfile(file=path)
result = {'format': dump.attr['file.format']}
for pfn in json.load(sys.stdin):
    try:
        page = dump.read(kdumpfile.KDUMP_MACHPHYSADDR, pfn * page_size, page_size)
        result[pfn] = hashlib.sha256(page).hexdigest()
    except Exception as error:
        result[pfn] = type(error).__name__
json.dump(result, sys.stdout)
