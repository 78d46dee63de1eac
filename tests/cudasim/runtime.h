/* runtime.h - inside the fake CUDA runtime: streams.cpp runs things, copies.cpp, graphs.cpp and device.cpp fill the functions of
 * cuda_runtime_api.h in. A function of it that is not there is one that the program does not use: the link fails where it does. */
#ifndef MTB_CUDASIM_RUNTIME_H
#define MTB_CUDASIM_RUNTIME_H

#include "sim.h"

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

typedef std::function<cudaError_t()> work;

struct capture;
struct op {
    std::shared_ptr<work> go;                    /* or: */
    cudaStream_t await;                          /* wait until that stream has done 'upto' things */
    uint64_t upto;
};
struct CUstream_st {
    std::deque<op> queue;
    uint64_t queued, done;
    bool blocking;                               /* in order with the default stream */
    bool destroyed;
    capture *into;                               /* what is asked for now is recorded there */
    std::vector<bool> after;                     /* nodes of the capture that come before the next one of this stream */
};
struct CUevent_st {
    cudaStream_t stream;                         /* of the last record, NULL: never recorded */
    uint64_t upto;
    std::shared_ptr<double> when;                /* ms, once it happened; < 0: not yet */
    bool timed;
    capture *in;                                 /* recorded inside this capture */
    std::vector<bool> after;
};
struct node {
    std::shared_ptr<work> go;
    std::vector<bool> after;                     /* nodes that come before */
};
struct CUgraph_st {
    std::vector<node> nodes;
};
struct CUgraphExec_st {
    std::vector<node> nodes;
};
struct capture {
    CUgraph_st *graph;
    cudaStream_t origin;
    cudaStreamCaptureMode mode;
    bool broken;                                 /* something was asked for that cannot be captured */
};

/* Every function of the runtime begins with this: one thread at a time. */
struct turn {
    turn();
    ~turn();
};
cudaError_t note(cudaError_t e);                 /* as every function returns: remembered for cudaGetLastError */
cudaError_t sticky();                            /* the error after which nothing works any more */
void be_sticky(cudaError_t e);
cudaStream_t stream_of(cudaStream_t s);          /* the default stream for NULL; NULL for what is no stream */
/* Append to a stream, or to the capture that it is in. */
cudaError_t stream_add(cudaStream_t s, work go);
cudaError_t stream_drain(cudaStream_t s, uint64_t upto);
cudaError_t stream_drain_all();
cudaError_t stream_settle(cudaStream_t s);       /* as cudaStreamSynchronize; refused while it is captured */
bool stream_captures();                          /* some stream is in a capture that forbids unsafe calls */
void capture_add(cudaStream_t s, work go);
void streams_leave(capture *c);                  /* no stream is in it any more */
void streams_reset();

#endif
