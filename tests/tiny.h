/* tiny.h - a rig for unit tests: the weights of tests/golden/tiny/smollm with a tokenizer of single characters (96 tokens: <unk>, <s>,
 * </s>, newline, blank, '!' to 'z', '|') and whatever template the test wants. Nonsense to read, and the same nonsense everywhere. */
#ifndef MTB_TEST_TINY_H
#define MTB_TEST_TINY_H

#include "mtbench/io.h"
#include "mtbench/mem.h"
#include "mtbench/rig.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct tiny {
    char folder[64];
    struct rig rig;
};

static const char tiny_template[] =
    "{{ bos_token }}{% for m in messages %}{{ m.role[0] }}:{{ m.content }}\\n{% endfor %}{% if add_generation_prompt %}a:{% endif %}";

__attribute__((unused)) static void tiny_put(const struct tiny *t, const char *name, const char *text, size_t n)
{
    char *path = xasprintf("%s/%s", t->folder, name);
    io_replace(path, text, n, NULL);
    free(path);
}

__attribute__((unused)) static void tiny_tokenizer(const struct tiny *t)
{
    struct buf b = {0};
    int id = 3;
    buf_str(&b, "{\"version\": \"1.0\", \"pre_tokenizer\": {\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"use_regex\": true}, "
                "\"decoder\": {\"type\": \"ByteLevel\"}, \"added_tokens\": [");
    static const char *const special[] = { "<unk>", "<s>", "</s>" };
    for (int i = 0; i < 3; i++)
        buf_printf(
            &b,
            "%s{\"id\": %d, \"content\": \"%s\", \"single_word\": false, \"lstrip\": false, \"rstrip\": false, \"normalized\": false, "
            "\"special\": true}",
            i ? ", " : "", i, special[i]);
    buf_str(
        &b,
        "], \"model\": {\"type\": \"BPE\", \"unk_token\": \"<unk>\", \"merges\": [], \"vocab\": {\"<unk>\": 0, \"<s>\": 1, \"</s>\": 2");
    buf_printf(&b, ", \"\u010a\": %d", id++);
    buf_printf(&b, ", \"\u0120\": %d", id++);
    for (char c = '!'; c <= 'z'; c++)
        buf_printf(&b, ", \"%s%c\": %d", c == '"' || c == '\\' ? "\\" : "", c, id++);
    buf_printf(&b, ", \"|\": %d}}}", id);
    tiny_put(t, "tokenizer.json", b.data, b.len);
    buf_free(&b);
}

/* 'model': another folder of tests/golden/tiny, of as many tokens. 'choice': --chat-template; NULL: the model's own, which is 'own' as JSON
 * text (NULL: tiny_template). Returns 0, -1: err. */
__attribute__((unused)) static int tiny_open_of(struct tiny *t, const char *model, const char *choice, const char *own, struct rig_opts o,
                                                struct err *err)
{
    static const char *const weights[] = { "config.json", "generation_config.json", "model.safetensors" };
    *t = (struct tiny){ .folder = "/tmp/mtbench-tiny-XXXXXX" };
    char here[4096];
    if (!mkdtemp(t->folder) || !getcwd(here, sizeof here))
        return err_errno(err, "%s", t->folder);
    for (int i = 0; i < 3; i++) {
        char *from = xasprintf("%s/tests/golden/tiny/%s/%s", here, model, weights[i]);
        char *to = xasprintf("%s/%s", t->folder, weights[i]);
        int rc = symlink(from, to);
        free(from);
        free(to);
        if (rc < 0)
            return err_errno(err, "%s", t->folder);
    }
    tiny_tokenizer(t);
    char *config = xasprintf("{\"bos_token\": \"<s>\", \"eos_token\": \"</s>\", \"chat_template\": \"%s\"}", own ? own : tiny_template);
    tiny_put(t, "tokenizer_config.json", config, strlen(config));
    free(config);
    o.model_path = t->folder;
    o.model_id = "tiny";
    o.chat_template = choice;
    o.threads = o.threads ? o.threads : 1;
    return rig_open(&t->rig, NULL, &o, err) < 0 ? -1 : rig_start(&t->rig, &o, err);
}

__attribute__((unused)) static int tiny_open(struct tiny *t, const char *choice, const char *own, struct rig_opts o, struct err *err)
{
    return tiny_open_of(t, "smollm", choice, own, o, err);
}

__attribute__((unused)) static void tiny_close(struct tiny *t)
{
    static const char *const file[] = {"config.json", "generation_config.json", "model.safetensors", "tokenizer.json",
                                       "tokenizer_config.json"};
    rig_close(&t->rig);
    for (size_t i = 0; i < sizeof file / sizeof *file; i++) {
        char *path = xasprintf("%s/%s", t->folder, file[i]);
        unlink(path);
        free(path);
    }
    rmdir(t->folder);
}

#endif
