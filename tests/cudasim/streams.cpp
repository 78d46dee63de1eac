/* streams.cpp - streams and events. Streams are lazy: what is appended runs when somebody waits for it and not before, so that whoever
 * forgets to wait finds the memory as it was. An eager stream runs everything at once, as a very fast device would. */
#include "runtime.h"

#include <time.h>

static std::recursive_mutex lock;
turn::turn() { lock.lock(); }
turn::~turn() { lock.unlock(); }

static cudaError_t last_error, stuck;

cudaError_t sticky() { return stuck; }
void be_sticky(cudaError_t e)
{
    if (!stuck)
        stuck = e;
}
cudaError_t note(cudaError_t e)
{
    if (stuck)
        e = stuck;
    if (e != cudaSuccess && e != cudaErrorNotReady)
        last_error = e;
    return e;
}
cudaError_t cudaPeekAtLastError() { return turn(), stuck ? stuck : last_error; }
cudaError_t cudaGetLastError()
{
    turn t;
    cudaError_t e = cudaPeekAtLastError();
    last_error = cudaSuccess;
    return e;
}

static CUstream_st default_stream;
static std::vector<std::unique_ptr<CUstream_st>> all;    /* destroyed ones too: an event may still name them */

cudaStream_t stream_of(cudaStream_t s)
{
    if (!s || s == cudaStreamLegacy)
        return &default_stream;
    for (auto &each : all)
        if (each.get() == s)
            return s->destroyed ? nullptr : s;
    return nullptr;
}

/* ---- running ---- */

static cudaError_t run(const op &o)
{
    if (o.await)
        return stream_drain(o.await, o.upto);
    cudaError_t e = stuck ? stuck : (*o.go)();
    if (e)
        be_sticky(e);
    return e;
}

cudaError_t stream_drain(cudaStream_t s, uint64_t upto)
{
    if (s->done < upto)
        memory_open(true);
    else
        return stuck;
    while (s->done < upto) {
        op o = s->queue.front();
        s->queue.pop_front();
        run(o);
        s->done++;
    }
    memory_open(false);
    return stuck;
}

cudaError_t stream_drain_all()
{
    for (auto &s : all)
        stream_drain(s.get(), s->queued);
    return stream_drain(&default_stream, default_stream.queued);
}

static void append(cudaStream_t s, const op &o)
{
    s->queue.push_back(o);
    s->queued++;
}

/* The default stream waits for the blocking ones, and they for it. */
static void keep_order(cudaStream_t s)
{
    if (s == &default_stream) {
        for (auto &other : all)
            if (other->blocking && other->done < other->queued)
                append(s, op{ nullptr, other.get(), other->queued });
    } else if (s->blocking && default_stream.done < default_stream.queued) {
        append(s, op{ nullptr, &default_stream, default_stream.queued });
    }
}

cudaError_t stream_add(cudaStream_t s, work go)
{
    if (stuck)
        return stuck;
    if (s->into) {
        capture_add(s, go);
        return cudaSuccess;
    }
    keep_order(s);
    append(s, op{ std::make_shared<work>(go), nullptr, 0 });
    return cudasim()->eager ? stream_drain(s, s->queued) : cudaSuccess;
}

bool stream_captures()
{
    for (auto &s : all)
        if (s->into && s->into->mode != cudaStreamCaptureModeRelaxed)
            return true;
    return false;
}

cudaError_t stream_settle(cudaStream_t s)
{
    if (s->into) {
        s->into->broken = true;
        return cudaErrorStreamCaptureUnsupported;
    }
    keep_order(s);
    return stream_drain(s, s->queued);
}

/* ---- streams ---- */

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *out, unsigned flags)
{
    turn t;
    if (!out || flags & ~static_cast<unsigned>(cudaStreamNonBlocking))
        return note(cudaErrorInvalidValue);
    if (sticky())
        return note(sticky());
    all.emplace_back(new CUstream_st());
    all.back()->blocking = !(flags & cudaStreamNonBlocking);
    *out = all.back().get();
    return note(cudaSuccess);
}
cudaError_t cudaStreamCreate(cudaStream_t *out) { return cudaStreamCreateWithFlags(out, cudaStreamDefault); }

cudaError_t cudaStreamDestroy(cudaStream_t s)
{
    turn t;
    if (!s || !(s = stream_of(s)) || s == &default_stream)
        return note(cudaErrorInvalidResourceHandle);
    cudaError_t e = stream_drain(s, s->queued);
    s->destroyed = true;
    return note(e);
}

cudaError_t cudaStreamSynchronize(cudaStream_t s)
{
    turn t;
    s = stream_of(s);
    return note(s ? stream_settle(s) : cudaErrorInvalidResourceHandle);
}

/* One thing more each time it is asked: who polls gets there, and sees that it was not ready. */
cudaError_t cudaStreamQuery(cudaStream_t s)
{
    turn t;
    s = stream_of(s);
    if (!s)
        return note(cudaErrorInvalidResourceHandle);
    if (s->into)
        return note(stream_settle(s));
    if (s->done == s->queued)
        return note(cudaSuccess);
    stream_drain(s, s->done + 1);
    return note(cudaErrorNotReady);
}

cudaError_t cudaDeviceSynchronize()
{
    turn t;
    return note(stream_captures() ? cudaErrorStreamCaptureUnsupported : stream_drain_all());
}

cudaError_t cudaLaunchHostFunc(cudaStream_t s, cudaHostFn_t fn, void *data)
{
    turn t;
    s = stream_of(s);
    if (!s || !fn)
        return note(cudaErrorInvalidValue);
    return note(stream_add(s, [fn, data] { return fn(data), cudaSuccess; }));
}

/* ---- events ---- */

static double now()
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_nsec) * 1e-6;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *out, unsigned flags)
{
    turn t;
    if (!out || flags & ~static_cast<unsigned>(cudaEventBlockingSync | cudaEventDisableTiming))
        return note(cudaErrorInvalidValue);
    *out = new CUevent_st();
    (*out)->timed = !(flags & cudaEventDisableTiming);
    return note(cudaSuccess);
}
cudaError_t cudaEventCreate(cudaEvent_t *out) { return cudaEventCreateWithFlags(out, cudaEventDefault); }

cudaError_t cudaEventDestroy(cudaEvent_t e)
{
    turn t;
    if (!e)
        return note(cudaErrorInvalidResourceHandle);
    delete e;
    return note(cudaSuccess);
}

cudaError_t cudaEventRecord(cudaEvent_t e, cudaStream_t s)
{
    turn t;
    s = stream_of(s);
    if (!e || !s)
        return note(cudaErrorInvalidResourceHandle);
    e->in = s->into;
    if (s->into) {
        e->after = s->after;
        return note(cudaSuccess);
    }
    std::shared_ptr<double> when = std::make_shared<double>(-1.0);
    e->when = when;
    cudaError_t r = stream_add(s, [when] { return *when = now(), cudaSuccess; });
    e->stream = s;
    e->upto = s->queued;
    return note(r);
}

cudaError_t cudaStreamWaitEvent(cudaStream_t s, cudaEvent_t e, unsigned flags)
{
    turn t;
    s = stream_of(s);
    if (!e || !s || flags)
        return note(cudaErrorInvalidResourceHandle);
    if (e->in) {                                 /* the stream joins that capture */
        if (s->into && s->into != e->in)
            return note(cudaErrorStreamCaptureMerge);
        s->into = e->in;
        s->after.resize(e->in->graph->nodes.size());
        for (size_t i = 0; i < e->after.size(); i++)
            s->after[i] = s->after[i] || e->after[i];
        return note(cudaSuccess);
    }
    if (s->into) {
        s->into->broken = true;
        return note(cudaErrorStreamCaptureIsolation);
    }
    if (e->stream && e->stream != s)
        append(s, op{ nullptr, e->stream, e->upto });
    return note(cudaSuccess);
}

cudaError_t cudaEventSynchronize(cudaEvent_t e)
{
    turn t;
    if (!e)
        return note(cudaErrorInvalidResourceHandle);
    if (e->in)
        return note(cudaErrorCapturedEvent);
    return note(e->stream ? stream_drain(e->stream, e->upto) : cudaSuccess);
}

cudaError_t cudaEventQuery(cudaEvent_t e)
{
    turn t;
    if (!e)
        return note(cudaErrorInvalidResourceHandle);
    if (e->in)
        return note(cudaErrorCapturedEvent);
    if (!e->stream || e->stream->done >= e->upto)
        return note(cudaSuccess);
    stream_drain(e->stream, e->stream->done + 1);
    return note(cudaErrorNotReady);
}

cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t a, cudaEvent_t b)
{
    turn t;
    if (!ms || !a || !b || !a->timed || !b->timed || !a->when || !b->when)
        return note(cudaErrorInvalidResourceHandle);
    if (*a->when < 0 || *b->when < 0)
        return note(cudaErrorNotReady);
    *ms = static_cast<float>(*b->when - *a->when);
    return note(cudaSuccess);
}

void streams_leave(capture *c)
{
    for (auto &s : all)
        if (s->into == c)
            s->into = nullptr;
}

void streams_reset()
{
    last_error = stuck = cudaSuccess;
    all.clear();
    default_stream = CUstream_st();
    default_stream.blocking = false;
}
