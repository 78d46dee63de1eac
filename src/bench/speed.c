/* speed.c - how fast a model ran: a JSON line. */
#include "mtbench/speed.h"

#include "mtbench/json.h"
#include "mtbench/paths.h"

#include <math.h>
#include <string.h>

char *speed_path(const char *answer_file)
{
    return bench_beside(answer_file, ".speed");
}

void speed_put(struct buf *out, const struct speed *s)
{
    buf_str(out, "{\"model_header_sha256\": ");
    json_put_string(out, s->model, strlen(s->model));
    json_put_text_member(out, "device", s->device);
    buf_printf(out, ", \"threads\": %d, \"members\": %d", s->threads, s->members);
    json_put_number_member(out, "step_s", s->step);
    json_put_number_member(out, "row_s", s->row);
    json_put_number_member(out, "context_s", s->context);
    json_put_number_member(out, "load_s", s->load);
    buf_str(out, "}\n");
}

static int take_text(const cJSON *o, const char *name, char *to, size_t size, struct err *err)
{
    const cJSON *j = json_get(o, name);
    if (!cJSON_IsString(j) || strlen(j->valuestring) >= size)
        return err_set(err, ERR_FORMAT, "%s: is missing or no text of at most %zu bytes", name, size - 1);
    memcpy(to, j->valuestring, strlen(j->valuestring) + 1);
    return 0;
}

/* At least 0, and nothing that a sum of a run's steps could not carry. */
static int take_number(const cJSON *o, const char *name, double *to, struct err *err)
{
    const cJSON *j = json_get(o, name);
    if (!cJSON_IsNumber(j) || !(j->valuedouble >= 0 && j->valuedouble <= 1e9))
        return err_set(err, ERR_FORMAT, "%s: is missing or no number from 0 to 1e9", name);
    *to = j->valuedouble;
    return 0;
}

int speed_parse(const char *data, size_t n, struct speed *out, struct err *err)
{
    double threads = 0, members = 0;
    *out = (struct speed){ 0 };
    cJSON *o = json_parse(data, n, err);
    if (!o)
        return -1;
    int rc = take_text(o, "model_header_sha256", out->model, sizeof out->model, err);
    rc = rc < 0 ? rc : take_text(o, "device", out->device, sizeof out->device, err);
    rc = rc < 0 ? rc : take_number(o, "threads", &threads, err);
    rc = rc < 0 ? rc : take_number(o, "members", &members, err);
    rc = rc < 0 ? rc : take_number(o, "step_s", &out->step, err);
    rc = rc < 0 ? rc : take_number(o, "row_s", &out->row, err);
    rc = rc < 0 ? rc : take_number(o, "context_s", &out->context, err);
    rc = rc < 0 ? rc : take_number(o, "load_s", &out->load, err);
    if (rc == 0 && !(out->step + out->row > 0))
        rc = err_set(err, ERR_FORMAT, "step_s, row_s: nothing costs nothing");
    out->threads = (int)fmin(threads, 1 << 20);
    out->members = (int)fmin(members, 1 << 20);
    cJSON_Delete(o);
    return rc;
}

bool speed_fits(const struct speed *s, const struct speed *asked)
{
    return !strcmp(s->model, asked->model) && !strcmp(s->device, asked->device) && s->threads == asked->threads &&
           s->members == asked->members;
}
