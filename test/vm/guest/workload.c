/*
 * workload: fill memory with pages of the kinds that a dump filter tells apart.
 *
 *   workload KIND=MiB... READYFILE
 *
 *   anon    private anonymous 4 KiB pages
 *   zero    private anonymous 4 KiB pages that hold only zeros
 *   thp     transparent huge pages
 *   hugetlb pages from the hugetlbfs pool (fewer if the pool is smaller)
 *   pipe    kernel pages that hold data written to pipes, one in four zero
 *   sparse  pipe pages, of which one in 256 stays and is not zero: one in every MiB
 *   pt      page-table pages (each also costs one anonymous page)
 *   mix     anon, pipe and page-table pages allocated in random order by four
 *           processes, half of which is freed again in random order: a
 *           fragmented memory where kernel, user and free pages alternate
 *   poison  PAGES (not MiB): one in four hardware poison that still looks like
 *           user data, one in four soft offlined (poison that belongs to nobody)
 *   tailpoison  HUGE PAGES: transparent huge pages with hardware poison on a page
 *           that is not their first, pinned so that the kernel cannot split them
 *   noise   no memory, but PERCENT of the pages that later kinds fill randomly
 *
 * Every kind runs in its own process, which keeps its pages until the crash.
 * READYFILE is created once all have finished.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <unistd.h>

#define PAGE 4096UL
#define MIB  (1UL << 20)
#define HUGE (2 * MIB)
#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE 101
#endif

static uint64_t state = 88172645463325252ULL;

static uint64_t rnd(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* Zeros, text or pointer-like words, and noise in that many of a hundred pages. */
static unsigned noise = 25;

static void fill_with(void *page, unsigned kind)
{
	uint64_t *w = page;
	unsigned i;

	for (i = 0; i < PAGE / 8; i++)
		switch (kind) {
		case 0: w[i] = 0; break;
		case 1: memcpy(&w[i], "workload", 8); break;
		case 2: w[i] = i % 8 ? 0 : 0xffff888000000000ULL + (rnd() % 4096) * 64; break;
		case 3: w[i] = rnd(); break;
		}
}

static void fill(void *page)
{
	fill_with(page, rnd() % 100 < noise ? 3 : rnd() % 3);
}

static char *map(size_t size, int flags)
{
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	return p;
}

static char *map_small(size_t size)
{
	char *p = map(size, 0);

	madvise(p, size, MADV_NOHUGEPAGE);
	return p;
}

static void fill_all(char *p, size_t size)
{
	for (size_t o = 0; o < size; o += PAGE)
		fill(p + o);
}

/*
 * Pipes that are filled with pages. A page goes to a random one of the open
 * slots, so that the pages of one pipe are spread over memory.
 */
#define SLOTS 32

struct pipes {
	int (*fd)[2];
	size_t used, max;
	int slot[SLOTS];	/* index into fd, or -1 */
};

static void pipes_init(struct pipes *p, size_t pages)
{
	p->max = pages / 128 + 2 * SLOTS;
	p->fd = calloc(p->max, sizeof(*p->fd));
	p->used = 0;
	memset(p->slot, -1, sizeof(p->slot));
}

static void pipe_write(struct pipes *p, const char *buf)
{
	int *slot = &p->slot[rnd() % SLOTS];

	while (*slot < 0 || write(p->fd[*slot][1], buf, PAGE) != (ssize_t)PAGE) {
		if (p->used == p->max || pipe(p->fd[p->used]))
			die("pipe");
		fcntl(p->fd[p->used][1], F_SETPIPE_SZ, 256 * PAGE);
		fcntl(p->fd[p->used][1], F_SETFL, O_NONBLOCK);
		*slot = p->used++;
	}
}

static void pipe_page(struct pipes *p)
{
	static char buf[PAGE] __attribute__((aligned(4096)));

	fill(buf);
	pipe_write(p, buf);
}

static void do_pipe(size_t size)
{
	struct pipes p;

	pipes_init(&p, size / PAGE);
	for (size_t o = 0; o < size; o += PAGE)
		pipe_page(&p);
}

static void do_sparse(size_t size)
{
	const size_t pages = size / PAGE, per_mib = MIB / PAGE;
	static char text[PAGE] __attribute__((aligned(4096)));
	struct pipes kept, freed;

	/* fresh memory is given out in order of its addresses, more or less */
	fill_with(text, 1);
	pipes_init(&kept, pages);
	pipes_init(&freed, pages);
	for (size_t i = 0; i < pages; i++)
		pipe_write(i % per_mib ? &freed : &kept, text);
	for (size_t i = 0; i < freed.used; i++) {
		close(freed.fd[i][0]);
		close(freed.fd[i][1]);
	}
}

static void do_pt(size_t size)
{
	size_t n = size / PAGE;
	char *p = map_small(n * HUGE);

	for (size_t i = 0; i < n; i++)
		fill(p + i * HUGE + (rnd() % 512) * PAGE);
}

static void do_mix(size_t size)
{
	size_t pages = size / PAGE, nanon = 0, npt = 0, used = 0, i;
	char *anon = map_small(size), *pt = map_small(pages * HUGE / 2);
	struct pipes pipes;

	pipes_init(&pipes, pages);
	while (used < pages) {
		unsigned run = 1 + rnd() % 4, kind = rnd() % 10;

		while (run-- && used < pages) {
			if (kind < 4) {
				fill(anon + nanon++ * PAGE);
				used++;
			} else if (kind < 8) {
				pipe_page(&pipes);
				used++;
			} else {
				fill(pt + npt++ * HUGE);
				used += 2;
			}
		}
	}
	for (i = 0; i < nanon; i++)
		if (rnd() & 1)
			madvise(anon + i * PAGE, PAGE, MADV_DONTNEED);
	for (i = 0; i < npt; i++)
		if (rnd() & 1)
			munmap(pt + i * HUGE, HUGE);
	for (i = 0; i < pipes.used; i++)
		if (rnd() & 1) {
			close(pipes.fd[i][0]);
			close(pipes.fd[i][1]);
		}
}

static char *do_thp(size_t size)
{
	char *p = map(size + HUGE, 0);

	p = (char *)(((uintptr_t)p + HUGE - 1) & ~(HUGE - 1));
	madvise(p, size, MADV_HUGEPAGE);
	fill_all(p, size);
	return p;
}

static void do_hugetlb(size_t size)
{
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);

	if (p == MAP_FAILED)
		die("hugetlb");
	fill_all(p, size);
}

static void do_poison(size_t pages)
{
	char *p = map_small(pages * PAGE);

	fill_all(p, pages * PAGE);
	for (size_t i = 0; i < pages; i += 2)
		if (madvise(p + i * PAGE, PAGE, i % 4 ? MADV_SOFT_OFFLINE : MADV_HWPOISON))
			die("poison");
}

static void do_tailpoison(size_t wanted)
{
	size_t huge_pages = 16 * wanted, found = 0;
	char *p = do_thp(huge_pages * HUGE);

	/* not all are huge where memory is fragmented */
	for (size_t i = 0; i < huge_pages && found < wanted; i++) {
		char *tail = p + i * HUGE + (1 + rnd() % 500) * PAGE;
		struct iovec pinned = { tail + PAGE, PAGE };
		int fd[2];

		if (pipe(fd) || vmsplice(fd[1], &pinned, 1, 0) != (ssize_t)PAGE)
			die("vmsplice");
		/* the kernel marks the page first, and then fails to split */
		if (madvise(tail, PAGE, MADV_HWPOISON) && errno == EBUSY)
			found++;
	}
	if (!found)
		die("tailpoison");
}

static void child_died(int sig)
{
	(void)sig;
	_exit(1);
}

static void run(const char *kind, size_t n)
{
	if (!strcmp(kind, "anon"))
		fill_all(map_small(n * MIB), n * MIB);
	else if (!strcmp(kind, "zero"))
		memset(map_small(n * MIB), 0, n * MIB);
	else if (!strcmp(kind, "thp"))
		do_thp(n * MIB);
	else if (!strcmp(kind, "hugetlb"))
		do_hugetlb(n * MIB);
	else if (!strcmp(kind, "pipe"))
		do_pipe(n * MIB);
	else if (!strcmp(kind, "sparse"))
		do_sparse(n * MIB);
	else if (!strcmp(kind, "pt"))
		do_pt(n * MIB);
	else if (!strcmp(kind, "mix"))
		do_mix(n * MIB / 4);
	else if (!strcmp(kind, "poison"))
		do_poison(n);
	else if (!strcmp(kind, "tailpoison"))
		do_tailpoison(n);
	else {
		fprintf(stderr, "workload: unknown kind '%s'\n", kind);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	struct rlimit files = { 1 << 19, 1 << 19 };
	int done[2], started = 0;
	char c;

	setrlimit(RLIMIT_NOFILE, &files);
	if (argc < 3) {
		fputs("usage: workload KIND=MiB... READYFILE\n", stderr);
		return 2;
	}
	if (pipe(done))
		die("pipe");
	signal(SIGCHLD, child_died);
	for (int i = 1; i < argc - 1; i++) {
		char *eq = strchr(argv[i], '=');
		int copies = !strncmp(argv[i], "mix=", 4) ? 4 : 1;

		if (!eq)
			die(argv[i]);
		*eq = 0;
		if (!strcmp(argv[i], "noise")) {
			noise = strtoul(eq + 1, NULL, 0);
			continue;
		}
		while (copies--) {
			started++;
			if (fork())
				continue;
			state += started * 0x9E3779B97F4A7C15ULL;
			signal(SIGBUS, SIG_IGN);
			run(argv[i], strtoul(eq + 1, NULL, 0));
			if (write(done[1], "", 1) != 1)
				die("write");
			for (;;)
				pause();
		}
	}
	close(done[1]);
	while (started && read(done[0], &c, 1) == 1)
		started--;
	close(open(argv[argc - 1], O_CREAT | O_WRONLY, 0644));
	for (;;)
		pause();
}
