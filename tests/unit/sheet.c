/* sheet.c - tables as text, CSV and JSON; FastChat's layout where pandas would leave rows out. */
#include "mtbench/sheet.h"

#include "tap.h"

#include "mtbench/fastchat_table.h"
#include "mtbench/json.h"

#include <math.h>
#include <string.h>

static void check_forms(void)
{
    struct sheet s = {0};
    struct buf b = {0};
    sheet_column(&s, "model", NULL, 0, SHEET_ALL);
    sheet_column(&s, "score", "mean", 2, SHEET_ALL);
    sheet_column(&s, "low", NULL, 2, SHEET_DATA);
    sheet_column(&s, "n", NULL, 0, SHEET_ALL);
    sheet_text(&s, "\xc3\xa9t\xc3\xa9, \"x\"\n");
    sheet_number(&s, 10.0 / 3);
    sheet_number(&s, NAN);
    sheet_int(&s, 160);
    sheet_printf(&s, "%s%d", "m", 2);
    sheet_number(&s, 10);
    sheet_number(&s, 9.5);
    sheet_empty(&s);
    sheet_fact_text(&s, "judge", "gpt-4", "judge: %s", "gpt-4");
    sheet_fact_int(&s, "failed", 0, NULL);
    sheet_fact_number(&s, "least", NAN, NULL);
    sheet_put_text(&s, &b);
    ok(!strcmp(b.data, "model       mean    n\n\xc3\xa9t\xc3\xa9, \"x\"?   3.33  160\nm2         10.00    -\n\njudge: gpt-4\n"),
       "text: aligned by letters, no control characters");
    buf_clear(&b);
    sheet_put_csv(&s, &b);
    ok(!strcmp(b.data, "model,score,low,n\n\"\xc3\xa9t\xc3\xa9, \"\"x\"\"\n\",3.3333333333333335,,160\nm2,10.0,9.5,\n"),
       "CSV: all digits, quoted where needed, nothing for unknown");
    buf_clear(&b);
    sheet_put_json(&s, &b);
    struct err err = {0};
    cJSON *j = json_parse(b.data, b.len, &err);
    const cJSON *row = cJSON_GetArrayItem(json_get(j, "rows"), 0);
    ok(j && cJSON_GetArraySize(json_get(j, "rows")) == 2 && !strcmp(json_get(row, "model")->valuestring, "\xc3\xa9t\xc3\xa9, \"x\"\n") &&
           cJSON_IsNull(json_get(row, "low")) && json_get(row, "score")->valuedouble == 10.0 / 3 &&
           cJSON_IsNull(json_get(json_get(j, "about"), "least")),
       "JSON reads back to the same");
    cJSON_Delete(j);
    sheet_free(&s);
    buf_free(&b);
}

/* 70 models with equal scores: all of them, by name. */
static void check_long(void)
{
    struct judgment_table t = {0};
    struct buf in = {0}, out = {0};
    struct err err = {0};
    for (int i = 69; i >= 0; i--)
        buf_printf(&in, "{\"question_id\": 1, \"model\": \"m%02d\", \"judge\": [\"j\", \"p\"], \"score\": 5, \"turn\": 1}\n", i);
    judgment_table_parse(&t, "t", in.data, in.len, &err);
    ok(fastchat_put_single(&out, "t", &t, NULL, 0, false, &err) == 0, "a table of 70 rows");
    const char *at = out.data;
    int rows = 0;
    for (char row[32]; at && rows < 70; rows++) {
        snprintf(row, sizeof row, "\nm%02d   1       5.0\n", rows);
        at = strstr(at, row);
        at = at ? at + strlen(row) - 1 : NULL;
    }
    ok(at && rows == 70 && at[1] == '\0', "whole, equal scores by name");
    judgment_table_free(&t);
    buf_free(&in);
    buf_free(&out);
}

int main(void)
{
    check_forms();
    check_long();
    return done_testing();
}
