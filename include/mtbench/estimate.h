/* estimate.h - a number from judged answers, with what is known about its error (room: report).
 *
 * Answers to one question are alike: both turns share a topic, and so do the answers of a model's repeats and opponents. So questions are
 * the clusters, and standard errors are cluster-robust (CR1): the squared sums of the residuals of each question, times G/(G-1), with
 * Student's t of G-1 degrees of freedom for 95 %, G being the number of questions. With the same number of answers to each question this
 * is exactly the t interval of the means per question; statsmodels' cov_type="cluster", use_t=True gives the same numbers.
 *
 * Few questions are few: the t quantile grows (12.7 for two of them), below two questions there is no interval, and where all answers
 * score the same there is none either, because values that do not differ tell nothing about how far others would. For shares that is the
 * common case of 0 and 1, so they get Wilson's interval with n = G there. */
#ifndef MTB_ESTIMATE_H
#define MTB_ESTIMATE_H

#include <stdint.h>

struct estimate {
    double value;                        /* NAN: nothing to count */
    double se;                           /* standard error; NAN with fewer than two clusters */
    double low, high;                    /* 95 % interval; NAN: none */
    long n;                              /* observations */
    int clusters;                        /* questions among them */
};

/* Observations; those of one cluster lie next to each other. Zeroed is empty. */
struct sample {
    double *x, *y;
    int64_t *cluster;
    long n, cap;
};
void sample_clear(struct sample *s);     /* keeps the memory */
void sample_add(struct sample *s, int64_t cluster, double x, double y);
void sample_free(struct sample *s);

/* The mean of y. */
struct estimate estimate_mean(const struct sample *s);
/* The sum of y over the sum of x: a share when y <= x; the interval is kept within 0..1. */
struct estimate estimate_share(const struct sample *s);
/* The same estimate of something that lies within low..high: its interval is made on the logit scale, with the error carried over by the
 * delta method, so that no end lies beyond the scale. Where the interval is short beside its distance from both ends it stays what it was.
 */
struct estimate estimate_within(struct estimate e, double low, double high);
/* The slope of y on x, least squares with an intercept. 'within': x and y are differences from the means of groups that lie inside
 * clusters, so neither intercept nor groups count as parameters (the convention of fixed effects nested in clusters). NAN where all x are
 * equal. */
struct estimate estimate_slope(const struct sample *s, int within);

/* The smallest true difference that a comparison with this standard error finds with a chance of 80 % at the 5 % level, two-sided:
 * (t(0.975) + t(0.80)) * se with clusters - 1 degrees of freedom. NAN where the error is not known or 0. */
double estimate_smallest(const struct estimate *e);

/* Quantile of Student's t, 0 < p < 1, df > 0. */
double student_quantile(double p, double df);

#endif
