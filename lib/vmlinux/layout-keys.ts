/**
 * The lines that are made of a vmlinux, by their keys. First those of makedumpfile -g in its order, then what kernels
 * export beside them (kernel/vmcore_info.c, kernel/printk/printk.c), of all versions: what a vmlinux has not is left out.
 */
export const LAYOUT_KEYS: readonly string[] = `
SYMBOL(mem_map) SYMBOL(mem_section) SYMBOL(pkmap_count) SYMBOL(pkmap_count_next) SYMBOL(system_utsname)
SYMBOL(init_uts_ns) SYMBOL(_stext) SYMBOL(swapper_pg_dir) SYMBOL(init_level4_pgt) SYMBOL(level4_kernel_pgt)
SYMBOL(init_top_pgt) SYMBOL(vmlist) SYMBOL(vmap_area_list) SYMBOL(node_online_map) SYMBOL(node_states)
SYMBOL(node_data) SYMBOL(pgdat_list) SYMBOL(contig_page_data) SYMBOL(prb) SYMBOL(clear_seq) SYMBOL(log_buf)
SYMBOL(log_buf_len) SYMBOL(log_end) SYMBOL(log_first_idx) SYMBOL(clear_idx) SYMBOL(log_next_idx) SYMBOL(max_pfn)
SYMBOL(high_memory) SYMBOL(free_huge_page)
SIZE(page) SIZE(mem_section) SIZE(pglist_data) SIZE(zone) SIZE(free_area) SIZE(list_head) SIZE(nodemask_t)
SIZE(printk_ringbuffer) SIZE(prb_desc) SIZE(printk_info) SIZE(latched_seq) SIZE(printk_log) SIZE(log)
OFFSET(page.flags) OFFSET(page._count) OFFSET(page._refcount) OFFSET(page.mapping) OFFSET(page.lru)
OFFSET(page._mapcount) OFFSET(page.private) OFFSET(page.compound_dtor) OFFSET(page.compound_order)
OFFSET(page.compound_head) OFFSET(mem_section.section_mem_map) OFFSET(pglist_data.node_zones)
OFFSET(pglist_data.nr_zones) OFFSET(pglist_data.node_mem_map) OFFSET(pglist_data.node_start_pfn)
OFFSET(pglist_data.node_spanned_pages) OFFSET(pglist_data.pgdat_next) OFFSET(zone.free_pages) OFFSET(zone.free_area)
OFFSET(zone.vm_stat) OFFSET(zone.spanned_pages) OFFSET(free_area.free_list) OFFSET(list_head.next)
OFFSET(list_head.prev) OFFSET(vm_struct.addr) OFFSET(vmap_area.va_start) OFFSET(vmap_area.list)
OFFSET(printk_ringbuffer.desc_ring) OFFSET(printk_ringbuffer.text_data_ring) OFFSET(prb_desc_ring.count_bits)
OFFSET(prb_desc_ring.descs) OFFSET(prb_desc_ring.infos) OFFSET(prb_desc_ring.head_id) OFFSET(prb_desc_ring.tail_id)
OFFSET(prb_desc.state_var) OFFSET(prb_desc.text_blk_lpos) OFFSET(prb_data_blk_lpos.begin)
OFFSET(prb_data_blk_lpos.next) OFFSET(prb_data_ring.size_bits) OFFSET(prb_data_ring.data) OFFSET(printk_info.ts_nsec)
OFFSET(printk_info.text_len) OFFSET(atomic_long_t.counter) OFFSET(latched_seq.val) OFFSET(printk_log.ts_nsec)
OFFSET(printk_log.len) OFFSET(printk_log.text_len) OFFSET(log.ts_nsec) OFFSET(log.len) OFFSET(log.text_len)
OFFSET(uts_namespace.name)
LENGTH(node_data) LENGTH(pgdat_list) LENGTH(mem_section) LENGTH(zone.free_area) LENGTH(free_area.free_list)
NUMBER(NR_FREE_PAGES) NUMBER(N_ONLINE) NUMBER(PG_lru) NUMBER(PG_private) NUMBER(PG_head_mask) NUMBER(PG_swapcache)
NUMBER(PG_swapbacked) NUMBER(PG_buddy) NUMBER(PG_slab) NUMBER(PG_hwpoison) NUMBER(HUGETLB_PAGE_DTOR)

SYMBOL(printk_rb_static) SYMBOL(logged_chars) SYMBOL(lowcore_ptr) SYMBOL(kallsyms_names) SYMBOL(kallsyms_num_syms)
SYMBOL(kallsyms_token_table) SYMBOL(kallsyms_token_index) SYMBOL(kallsyms_offsets) SYMBOL(kallsyms_relative_base)
SIZE(prb_desc_ring) SIZE(prb_data_blk_lpos) SIZE(dev_printk_info) SIZE(prb_data_ring) SIZE(atomic_long_t)
OFFSET(page.compound_info) OFFSET(folio._folio_dtor) OFFSET(folio._folio_order) OFFSET(pglist_data.node_id)
OFFSET(printk_ringbuffer.fail) OFFSET(printk_info.seq) OFFSET(printk_info.caller_id) OFFSET(printk_info.dev_info)
OFFSET(dev_printk_info.subsystem) OFFSET(dev_printk_info.device) OFFSET(prb_data_ring.head_lpos)
OFFSET(prb_data_ring.tail_lpos) OFFSET(printk_log.dict_len) OFFSET(printk_log.caller_id) OFFSET(log.dict_len)
LENGTH(lowcore_ptr) LENGTH(printk_info_subsystem) LENGTH(printk_info_device) NUMBER(PG_hugetlb)
NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE) NUMBER(PAGE_OFFLINE_MAPCOUNT_VALUE) NUMBER(PAGE_HUGETLB_MAPCOUNT_VALUE)
NUMBER(PAGE_SLAB_MAPCOUNT_VALUE) NUMBER(PAGE_UNACCEPTED_MAPCOUNT_VALUE)
`
  .trim()
  .split(/\s+/);

/** LENGTHs whose name is not that of the array. */
const ARRAY_OF: Readonly<Record<string, string>> = {
  printk_info_subsystem: 'dev_printk_info.subsystem',
  printk_info_device: 'dev_printk_info.device',
};

/** Types that only kernels with this symbol have: nothing is searched to its end for them where it is absent. */
export const ONLY_WITH: Readonly<Record<string, string>> = {
  printk_ringbuffer: 'prb',
  prb_desc_ring: 'prb',
  prb_desc: 'prb',
  prb_data_blk_lpos: 'prb',
  prb_data_ring: 'prb',
  printk_info: 'prb',
  dev_printk_info: 'prb',
  latched_seq: 'prb',
  printk_log: 'log_first_idx',
  log: 'log_first_idx',
};

/** A key in parts: `OFFSET(page.flags)` is OFFSET, page and flags. */
export interface LayoutKey {
  readonly kind: string;
  readonly name: string;
  /** A type or variable. */
  readonly owner: string;
  readonly member: string | undefined;
}

export function parseLayoutKey(key: string): LayoutKey {
  const [, kind = '', name = ''] = /^([A-Z]+)\((.+)\)$/.exec(key) ?? [];
  const [owner = '', member] = (kind === 'LENGTH' ? (ARRAY_OF[name] ?? name) : name).split('.');
  return { kind, name, owner, member };
}
