/* A TCG plugin for QEMU that counts what a machine executes, and answers on a unix socket.
 *
 *   -plugin file=counter.so,socket=PATH
 *
 * Requests are one byte, replies are words of 64 bits in the host's byte order.
 *
 *   'c'  the totals, six words: executed instructions; how often the processor became idle; how often
 *        it left the idle state; reads of device registers; writes to device registers; translated
 *        instructions for which the table had no space, which only the first total contains.
 *   'i'  the instructions: their number, then for each its address and the number of executions. An
 *        instruction that QEMU has translated several times occurs several times.
 *
 * With "probe=N" in place of the socket, the plugin prints "counter: API N" and returns an error,
 * which ends QEMU. So a program can find out which variant of the plugin a QEMU accepts.
 *
 * The plugin interface is declared here, so that no header of QEMU is needed. API selects the version
 * of the interface: 1 (QEMU 4.2 to 8), 2 (9 to 11.0) or 7 (from 11.1). One processor is assumed.
 */
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef API
#error "API selects the version of the plugin interface"
#endif

typedef uint64_t qemu_plugin_id_t;
typedef uint32_t qemu_plugin_meminfo_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_plugin_hwaddr;
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };
enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };
enum qemu_plugin_mem_rw { QEMU_PLUGIN_MEM_RW = 3 };

#if API >= 7
#define VCPU_CALLBACK(name) static void name(unsigned vcpu, void *userdata)
#define IGNORE_VCPU (void)vcpu; (void)userdata
typedef void (*vcpu_callback)(unsigned, void *);
extern void qemu_plugin_register_vcpu_idle_cb(qemu_plugin_id_t, vcpu_callback, void *);
extern void qemu_plugin_register_vcpu_resume_cb(qemu_plugin_id_t, vcpu_callback, void *);
typedef void (*translation_callback)(struct qemu_plugin_tb *, void *);
extern void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, translation_callback, void *);
#define TRANSLATION_CALLBACK(name) static void name(struct qemu_plugin_tb *tb, void *userdata)
#define IGNORE_REST (void)userdata
#define REGISTER(which, id, callback) qemu_plugin_register_vcpu_##which##_cb(id, callback, NULL)
#else
#define VCPU_CALLBACK(name) static void name(qemu_plugin_id_t id, unsigned vcpu)
#define IGNORE_VCPU (void)id; (void)vcpu
typedef void (*vcpu_callback)(qemu_plugin_id_t, unsigned);
extern void qemu_plugin_register_vcpu_idle_cb(qemu_plugin_id_t, vcpu_callback);
extern void qemu_plugin_register_vcpu_resume_cb(qemu_plugin_id_t, vcpu_callback);
typedef void (*translation_callback)(qemu_plugin_id_t, struct qemu_plugin_tb *);
extern void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, translation_callback);
#define TRANSLATION_CALLBACK(name) static void name(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
#define IGNORE_REST (void)id
#define REGISTER(which, id, callback) qemu_plugin_register_vcpu_##which##_cb(id, callback)
#endif

extern void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *,
        void (*)(unsigned, qemu_plugin_meminfo_t, uint64_t, void *),
        enum qemu_plugin_cb_flags, enum qemu_plugin_mem_rw, void *);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
extern struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
extern uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);
extern struct qemu_plugin_hwaddr *qemu_plugin_get_hwaddr(qemu_plugin_meminfo_t, uint64_t);
extern bool qemu_plugin_hwaddr_is_io(const struct qemu_plugin_hwaddr *);
extern bool qemu_plugin_mem_is_store(qemu_plugin_meminfo_t);

/* A counter that translated code increments inline: a word of this plugin in version 1, a word of a
 * scoreboard of QEMU from version 2 on. Counter 0 counts all instructions, counter 1 + i the
 * instruction with number i. */
#define MOST_INSTRUCTIONS (1u << 18)
#define ALL 0
#define OF(instruction) (1 + (instruction))

#if API >= 2
struct qemu_plugin_scoreboard;
typedef struct { struct qemu_plugin_scoreboard *score; size_t offset; } qemu_plugin_u64;
extern struct qemu_plugin_scoreboard *qemu_plugin_scoreboard_new(size_t);
extern uint64_t qemu_plugin_u64_get(qemu_plugin_u64, unsigned);
extern void qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(struct qemu_plugin_insn *,
        enum qemu_plugin_op, qemu_plugin_u64, uint64_t);
extern int qemu_plugin_num_vcpus(void);

static struct qemu_plugin_scoreboard *board;

static bool make_counters(void)
{
    board = qemu_plugin_scoreboard_new(OF(MOST_INSTRUCTIONS) * sizeof(uint64_t));
    return board != NULL;
}
static qemu_plugin_u64 counter(size_t number)
{
    return (qemu_plugin_u64){ board, number * sizeof(uint64_t) };
}
static uint64_t count(size_t number)
{
    /* Before the processor exists, the scoreboard has no entry for it. */
    return qemu_plugin_num_vcpus() == 0 ? 0 : qemu_plugin_u64_get(counter(number), 0);
}
static void count_executions(struct qemu_plugin_insn *insn, size_t number)
{
    qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(insn, QEMU_PLUGIN_INLINE_ADD_U64,
                                                        counter(number), 1);
}
#else
extern void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *,
        enum qemu_plugin_op, void *, uint64_t);
static uint64_t *counters;

static bool make_counters(void)
{
    counters = calloc(OF(MOST_INSTRUCTIONS), sizeof *counters);
    return counters != NULL;
}
static uint64_t count(size_t number)
{
    return __atomic_load_n(&counters[number], __ATOMIC_RELAXED);
}
static void count_executions(struct qemu_plugin_insn *insn, size_t number)
{
    qemu_plugin_register_vcpu_insn_exec_inline(insn, QEMU_PLUGIN_INLINE_ADD_U64,
                                               &counters[number], 1);
}
#endif

__attribute__((visibility("default"))) int qemu_plugin_version = API;

/* The addresses of the instructions. The processor's thread appends to the list, and the thread that
 * answers requests reads it. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t addresses[MOST_INSTRUCTIONS];
static size_t translated, left_out;

/* Only written by the processor's thread. */
static uint64_t idles, resumes, reads, writes;

static void add(uint64_t *to) { __atomic_store_n(to, *to + 1, __ATOMIC_RELAXED); }
static uint64_t get(const uint64_t *from) { return __atomic_load_n(from, __ATOMIC_RELAXED); }

static void accessed(unsigned vcpu, qemu_plugin_meminfo_t info, uint64_t address, void *userdata)
{
    (void)vcpu;
    (void)userdata;
    struct qemu_plugin_hwaddr *where = qemu_plugin_get_hwaddr(info, address);
    if (where != NULL && qemu_plugin_hwaddr_is_io(where)) {
        add(qemu_plugin_mem_is_store(info) ? &writes : &reads);
    }
}

TRANSLATION_CALLBACK(translate)
{
    IGNORE_REST;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        count_executions(insn, ALL);
        if (translated < MOST_INSTRUCTIONS) {
            addresses[translated] = qemu_plugin_insn_vaddr(insn);
            count_executions(insn, OF(translated));
            translated++;
        } else {
            left_out++;
        }
        qemu_plugin_register_vcpu_mem_cb(insn, accessed, QEMU_PLUGIN_CB_NO_REGS,
                                         QEMU_PLUGIN_MEM_RW, NULL);
    }
    pthread_mutex_unlock(&lock);
}

VCPU_CALLBACK(went_idle)
{
    IGNORE_VCPU;
    add(&idles);
}

VCPU_CALLBACK(left_idle)
{
    IGNORE_VCPU;
    add(&resumes);
}

static bool answer_sums(FILE *to)
{
    pthread_mutex_lock(&lock);
    uint64_t without_room = left_out;
    pthread_mutex_unlock(&lock);
    uint64_t words[6] = { count(ALL), get(&idles), get(&resumes), get(&reads), get(&writes),
                          without_room };
    return fwrite(words, sizeof words, 1, to) == 1 && fflush(to) == 0;
}

static bool answer_instructions(FILE *to)
{
    pthread_mutex_lock(&lock);
    uint64_t number = translated;
    pthread_mutex_unlock(&lock);
    bool written = fwrite(&number, sizeof number, 1, to) == 1;
    for (size_t i = 0; written && i < number; i++) {
        uint64_t words[2] = { addresses[i], count(OF(i)) };
        written = fwrite(words, sizeof words, 1, to) == 1;
    }
    return written && fflush(to) == 0;
}

static void *serve(void *listener)
{
    for (;;) {
        int peer = accept((int)(intptr_t)listener, NULL, NULL);
        if (peer < 0) {
            return NULL;
        }
        FILE *to = fdopen(peer, "w");
        char request;
        bool goes_on = to != NULL;
        while (goes_on && read(peer, &request, 1) == 1) {
            goes_on = request == 'c' ? answer_sums(to) : request == 'i' && answer_instructions(to);
        }
        if (to != NULL) {
            fclose(to);
        }
    }
}

static bool listen_at(const char *path)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof name.sun_path) {
        fprintf(stderr, "counter: the path of the socket is too long: %s\n", path);
        return false;
    }
    strcpy(name.sun_path, path);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&name, sizeof name) != 0
        || listen(listener, 1) != 0) {
        perror(path);
        return false;
    }
    /* Signals are left to QEMU's own threads. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    pthread_t thread;
    int failed = pthread_create(&thread, NULL, serve, (void *)(intptr_t)listener);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed == 0;
}

__attribute__((visibility("default")))
int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv)
{
    (void)info;
    const char *path = NULL;
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "probe=", 6) == 0) {
            printf("counter: API %d\n", API);
            fflush(stdout);
            return 1;
        }
        if (strncmp(argv[i], "socket=", 7) == 0) {
            path = argv[i] + 7;
        }
    }
    if (path == NULL) {
        fprintf(stderr, "counter: socket=PATH is missing\n");
        return 1;
    }
    if (!make_counters() || !listen_at(path)) {
        return 1;
    }
    REGISTER(tb_trans, id, translate);
    REGISTER(idle, id, went_idle);
    REGISTER(resume, id, left_idle);
    return 0;
}
