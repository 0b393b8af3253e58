/* A program with the variables and structures of a kernel that VMCOREINFO tells of; their members lie as they fall. */
#define MAX_NUMNODES 64

struct list_head {
	struct list_head *next, *prev;
};

typedef struct {
	long long counter;
} atomic64_t;
typedef atomic64_t atomic_long_t;

struct page {
	unsigned long flags;
	union {
		struct {
			struct list_head lru;
			void *mapping;
			unsigned long index;
			unsigned long private;
		};
		struct {
			unsigned long compound_head;
			unsigned char compound_dtor;
			unsigned char compound_order;
		};
	};
	union {
		int _mapcount;
		unsigned int page_type;
	};
	int _refcount;
} __attribute__((aligned(64)));

struct mem_section {
	unsigned long section_mem_map;
	void *usage;
};
struct mem_section **mem_section;

struct free_area {
	struct list_head free_list[5];
	unsigned long nr_free;
};

struct zone {
	unsigned long watermark[3];
	unsigned long spanned_pages;
	struct free_area free_area[11];
	atomic_long_t vm_stat[10];
};

typedef struct pglist_data {
	struct zone node_zones[4];
	int nr_zones;
	unsigned long node_start_pfn, node_present_pages, node_spanned_pages;
	int node_id;
} pg_data_t;

extern struct pglist_data *node_data[];
struct pglist_data *node_data[MAX_NUMNODES];

typedef struct {
	unsigned long bits[MAX_NUMNODES / 64];
} nodemask_t;
nodemask_t node_states[5];

enum zone_stat_item { NR_FREE_PAGES, NR_INACTIVE_ANON };
enum node_states { N_POSSIBLE, N_ONLINE };
enum pageflags {
	PG_locked, PG_referenced, PG_uptodate, PG_dirty, PG_lru, PG_slab = 9, PG_swapcache = 10, PG_private = 13, PG_head = 16,
	PG_swapbacked = 19, PG_hwpoison = 23
};
enum compound_dtor_id { NULL_COMPOUND_DTOR, COMPOUND_PAGE_DTOR, HUGETLB_PAGE_DTOR };

struct prb_data_blk_lpos {
	unsigned long begin, next;
};
struct prb_desc {
	atomic_long_t state_var;
	struct prb_data_blk_lpos text_blk_lpos;
};
struct dev_printk_info {
	char subsystem[16], device[48];
};
struct printk_info {
	unsigned long long seq, ts_nsec;
	unsigned short text_len;
	unsigned char facility;
	unsigned char flags : 5, level : 3;
	unsigned int caller_id;
	struct dev_printk_info dev_info;
};
struct prb_data_ring {
	unsigned int size_bits;
	char *data;
	atomic_long_t head_lpos, tail_lpos;
};
struct prb_desc_ring {
	unsigned int count_bits;
	struct prb_desc *descs;
	struct printk_info *infos;
	atomic_long_t head_id, tail_id;
};
struct printk_ringbuffer {
	struct prb_desc_ring desc_ring;
	struct prb_data_ring text_data_ring;
	atomic_long_t fail;
};
struct printk_ringbuffer *prb;
struct latched_seq {
	unsigned int latch;
	unsigned long long val[2];
} clear_seq;

struct vm_struct {
	struct vm_struct *next;
	void *addr;
} *vmlist;
struct vmap_area {
	unsigned long va_start, va_end;
	struct list_head list;
};
struct list_head vmap_area_list;

struct new_utsname {
	char sysname[65], nodename[65], release[65], version[65], machine[65], domainname[65];
};
struct uts_namespace {
	int count;
	struct new_utsname name;
} init_uts_ns = { 1, { "Linux", "(none)", "6.1.0-test", "#1", "machine", "(none)" } };
const char linux_banner[] = "Linux version 6.1.0-test (gcc) #1\n";
const char *volatile exported[] = { "PAGE_BUDDY_MAPCOUNT_VALUE", "PAGE_OFFLINE_MAPCOUNT_VALUE" };

void *high_memory;
char swapper_pg_dir[4096];
char init_top_pgt[4096];
unsigned long max_pfn;

enum zone_stat_item stat_item;
enum node_states node_state;
enum pageflags page_flag;
enum compound_dtor_id dtor;
struct page some_page;
struct vmap_area some_area;
struct prb_desc some_desc;

void _stext(void)
{
}

int main(void)
{
	return 0;
}
