/* graphs.cpp - capture and replay. A graph is the list of what was asked for while it was captured, with what comes before what by streams
 * and events; the reverse and the random order replay it as late and as mixed as these allow. */
#include "runtime.h"

void capture_add(cudaStream_t s, work go)
{
    std::vector<node> &nodes = s->into->graph->nodes;
    s->after.resize(nodes.size());
    nodes.push_back(node{ std::make_shared<work>(go), s->after });
    s->after.push_back(true);
}

cudaError_t cudaStreamBeginCapture(cudaStream_t s, cudaStreamCaptureMode mode)
{
    turn t;
    if (!s || !stream_of(s))                     /* the default stream cannot be captured */
        return note(cudaErrorStreamCaptureUnsupported);
    if (s->into)
        return note(cudaErrorIllegalState);
    s->into = new capture{ new CUgraph_st(), s, mode, false };
    s->after.clear();
    return note(cudaSuccess);
}

cudaError_t cudaStreamIsCapturing(cudaStream_t s, cudaStreamCaptureStatus *out)
{
    turn t;
    s = stream_of(s);
    if (!s || !out)
        return note(cudaErrorInvalidValue);
    *out = !s->into ? cudaStreamCaptureStatusNone : s->into->broken ? cudaStreamCaptureStatusInvalidated : cudaStreamCaptureStatusActive;
    return note(cudaSuccess);
}

cudaError_t cudaStreamEndCapture(cudaStream_t s, cudaGraph_t *out)
{
    turn t;
    if (!s || !stream_of(s) || !out)
        return note(cudaErrorInvalidValue);
    *out = nullptr;
    capture *c = s->into;
    if (!c)
        return note(cudaErrorIllegalState);
    if (c->origin != s)
        return note(cudaErrorStreamCaptureUnmatched);
    s->after.resize(c->graph->nodes.size());
    bool joined = true;
    for (bool before : s->after)
        joined = joined && before;
    cudaError_t e = c->broken ? cudaErrorStreamCaptureInvalidated : joined ? cudaSuccess : cudaErrorStreamCaptureUnjoined;
    streams_leave(c);
    if (e)
        delete c->graph;
    else
        *out = c->graph;
    delete c;
    return note(e);
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *out, cudaGraph_t g, unsigned long long flags)
{
    turn t;
    if (!out || !g || flags)
        return note(cudaErrorInvalidValue);
    *out = new CUgraphExec_st{ g->nodes };
    return note(cudaSuccess);
}

cudaError_t cudaGraphGetNodes(cudaGraph_t g, cudaGraphNode_t *nodes, size_t *n)
{
    turn t;
    if (!g || !n || nodes)                       /* their number is all that can be asked for */
        return note(g && n ? cudaErrorNotSupported : cudaErrorInvalidValue);
    *n = g->nodes.size();
    return note(cudaSuccess);
}

static bool may_run(const std::vector<bool> &after, const std::vector<bool> &done)
{
    for (size_t i = 0; i < after.size(); i++)
        if (after[i] && !done[i])
            return false;
    return true;
}

/* The next node in the order of the test; there always is one. */
static size_t next_node(const std::vector<node> &nodes, const std::vector<bool> &done)
{
    std::vector<size_t> can;
    for (size_t i = 0; i < nodes.size(); i++)
        if (!done[i] && may_run(nodes[i].after, done))
            can.push_back(i);
    switch (cudasim()->order) {
    case CUDASIM_REVERSE: return can.back();
    case CUDASIM_RANDOM: return can[grid_random() % can.size()];
    default: return can.front();
    }
}

static cudaError_t replay(const std::vector<node> &nodes)
{
    std::vector<bool> done(nodes.size());
    cudaError_t e = cudaSuccess;
    for (size_t n = 0; n < nodes.size() && !e; n++) {
        size_t i = cudasim()->order == CUDASIM_FORWARD ? n : next_node(nodes, done);
        e = (*nodes[i].go)();
        done[i] = true;
    }
    return e;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t g, cudaStream_t s)
{
    turn t;
    s = stream_of(s);
    if (!g || !s)
        return note(cudaErrorInvalidValue);
    if (s->into)
        return note(cudaErrorNotSupported);      /* a graph inside a graph */
    std::shared_ptr<std::vector<node>> nodes(new std::vector<node>(g->nodes));
    return note(stream_add(s, [nodes] { return replay(*nodes); }));
}

cudaError_t cudaGraphUpload(cudaGraphExec_t g, cudaStream_t s)
{
    return turn(), note(g && stream_of(s) ? cudaSuccess : cudaErrorInvalidValue);
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t g)
{
    turn t;
    if (!g)
        return note(cudaErrorInvalidValue);
    delete g;
    return note(cudaSuccess);
}

cudaError_t cudaGraphDestroy(cudaGraph_t g)
{
    turn t;
    if (!g)
        return note(cudaErrorInvalidValue);
    delete g;
    return note(cudaSuccess);
}
