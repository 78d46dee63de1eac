/* fiber.cpp - stacks, and the switch from one to another: by hand on x86-64 (a few nanoseconds), by ucontext elsewhere (a system call). */
#include "sim.h"

#include <stdlib.h>
#include <sys/mman.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
enum { STACK = 256 << 10 };
#else
enum { STACK = 64 << 10 };
#endif
enum { PAGE = 4096, MAX_FIBERS = MAX_THREADS + 8 };

fiber fiber_main;
static fiber *unused;
static fiber pool[MAX_FIBERS];
static int n_pool;
static char *stacks;                             /* one piece: [guard page][stack] for each fiber */
static fiber *running = &fiber_main;

#if defined(__x86_64__) && !defined(CUDASIM_UCONTEXT)
/* The return address is popped and jumped to: a ret would spoil the processor's predictions of returns, made on the other stack. */
extern "C" void cudasim_switch(void **save, void *load);
asm(R"(
    .text
    .globl cudasim_switch
    .type cudasim_switch, @function
cudasim_switch:
    popq %rdx
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    pushq %rdx
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %rdx
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    jmp *%rdx
    .size cudasim_switch, .-cudasim_switch
)");
static void *prepare(char *stack, char *top, void (*entry)())
{
    (void)stack;
    void **sp = reinterpret_cast<void **>(top) - 8;      /* six registers, and a return address that leads nowhere: as after a call */
    for (int i = 1; i < 8; i++)
        sp[i] = nullptr;
    sp[0] = reinterpret_cast<void *>(entry);
    return sp;
}
#else
#include <ucontext.h>
static void *prepare(char *stack, char *top, void (*entry)())
{
    ucontext_t *c = static_cast<ucontext_t *>(calloc(1, sizeof *c));     /* as long as the program: at most MAX_FIBERS are reused */
    getcontext(c);
    c->uc_stack.ss_sp = stack;
    c->uc_stack.ss_size = static_cast<size_t>(top - stack);
    makecontext(c, entry, 0);
    return c;
}
static void cudasim_switch(void **save, void *load)
{
    if (!*save)
        *save = calloc(1, sizeof(ucontext_t));
    swapcontext(static_cast<ucontext_t *>(*save), static_cast<ucontext_t *>(load));
}
#endif

static fiber *fiber_make()
{
    const size_t stride = STACK + PAGE;
    if (!stacks) {
        void *p = mmap(nullptr, MAX_FIBERS * stride, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (p == MAP_FAILED)
            abort();
        stacks = static_cast<char *>(p);
    }
    if (n_pool == MAX_FIBERS)
        abort();
    fiber *f = &pool[n_pool];
    f->stack = stacks + static_cast<size_t>(n_pool++) * stride + PAGE;
    if (mprotect(f->stack, STACK, PROT_READ | PROT_WRITE))
        abort();
    return f;
}

fiber *fiber_new(void (*entry)())
{
    fiber *f = unused;
    if (f)
        unused = f->next;
    else
        f = fiber_make();
#ifdef __SANITIZE_ADDRESS__
    __asan_unpoison_memory_region(f->stack, STACK);
#endif
    /* Tops at one power of two would share the same few lines of the first-level cache. */
    size_t stagger = static_cast<size_t>(f - pool) % 16 * 192;
    f->sp = prepare(f->stack, f->stack + STACK - stagger, entry);
    f->asan = nullptr;
    return f;
}

void fiber_free(fiber *f)
{
    f->next = unused;
    unused = f;
}

bool fiber_owns(const fiber *f, const void *p)
{
    const char *c = static_cast<const char *>(p);
    return c >= f->stack && c < f->stack + STACK;
}

bool fiber_holds(const void *p)
{
    const char *c = static_cast<const char *>(p);
    return stacks && c >= stacks && c < stacks + static_cast<size_t>(n_pool) * (STACK + PAGE);
}

#ifdef __SANITIZE_ADDRESS__
static const void *main_bottom;
static size_t main_size;
static bool from_main;
static void leave(fiber *from, fiber *to, bool for_good)
{
    from_main = from == &fiber_main;
    const void *bottom = to == &fiber_main ? main_bottom : to->stack;
    __sanitizer_start_switch_fiber(for_good ? nullptr : &from->asan, bottom, to == &fiber_main ? main_size : static_cast<size_t>(STACK));
}
void fiber_arrived()
{
    const void *bottom;
    size_t size;
    __sanitizer_finish_switch_fiber(running->asan, &bottom, &size);
    if (from_main)                               /* each thread of the host has its own stack */
        main_bottom = bottom, main_size = size;
}
#else
static void leave(fiber *, fiber *, bool) {}
void fiber_arrived() {}
#endif

void fiber_switch(fiber *from, fiber *to)
{
    leave(from, to, false);
    running = to;
    cudasim_switch(&from->sp, to->sp);
    fiber_arrived();
}

void fiber_switch_for_good(fiber *to)
{
    static fiber nobody;
    leave(nullptr, to, true);
    running = to;
    cudasim_switch(&nobody.sp, to->sp);
    abort();
}
