/* completion.c - what a shell offers behind `mtbench`: verbs, the flags of a verb, the words of a choice, files where a flag wants one. */
#include "mtbench/manual.h"

#include <string.h>

/* What stands behind a flag, by the word that the help has for it. */
static const char *kind(const struct opt *o)
{
    static const char *const files[] = { "FILE", "PATH", "DIR|URL", "FILE..." };
    const char *arg = o->arg ? o->arg : "";
    if (o->kind == OPT_FLAG)
        return "";
    if (o->kind == OPT_CHOICE)
        return "words";
    if (!strcmp(arg, "DIR") || !strcmp(arg, "[DIR]"))
        return "folders";
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (!strcmp(arg, files[i]))
            return "files";
    return "any";
}

/* Words of a choice with blanks between. */
static void put_words(struct buf *out, const char *words)
{
    for (words += *words == '|'; *words; words++)
        buf_char(out, *words == '|' ? ' ' : *words);
}

/* As they may be typed: "judge|gen_judgment|gen_judgment.py". */
static void put_names(struct buf *out, const struct manual_verb *v)
{
    buf_str(out, v->name);
    if (v->peer)
        buf_printf(out, "|%s|%s.py", v->peer, v->peer);
}

/* ---- bash ---- */

static void bash_verb(struct buf *out, const struct manual_verb *v)
{
    buf_str(out, "    ");
    put_names(out, v);
    buf_str(out, ")\n        flags='");
    bool words = false;                  /* that stand alone */
    for (int i = 0; i < v->n; i++)
        if (*v->table[i].name)
            buf_printf(out, "--%s ", v->table[i].name);
        else
            words = true;
    buf_str(out, "--help'\n        case $flag in\n");
    for (int i = 0; i < v->n; i++) {
        const struct opt *o = &v->table[i];
        const char *what = kind(o);
        if (!*what || !*o->name)
            continue;
        buf_printf(out, "        %s--%s) kind=%s", !strcmp(o->name, "output") ? "-o|" : "", o->name, what);
        if (!strcmp(what, "words")) {
            buf_str(out, " words='");
            put_words(out, o->arg);
            buf_char(out, '\'');
        }
        buf_str(out, " ;;\n");
    }
    buf_printf(out, "        esac%s ;;\n", words ? "\n        [[ $kind || $cur == -* ]] || kind=files" : "");
}

static const char bash_head[] =
    "# bash completion for mtbench, made by mtbench --completion bash\n"
    "_mtbench() {\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} flag='' flags='' kind='' words='' i\n"
    "    COMPREPLY=()\n"
    "    # --flag=value comes as three words\n"
    "    if [ \"$cur\" = '=' ]; then cur='' flag=${COMP_WORDS[COMP_CWORD - 1]}\n"
    "    elif [ \"${COMP_WORDS[COMP_CWORD - 1]}\" = '=' ]; then flag=${COMP_WORDS[COMP_CWORD - 2]}\n"
    "    else flag=${COMP_WORDS[COMP_CWORD - 1]}; fi\n"
    "    case ${COMP_WORDS[1]} in\n";

static const char bash_tail[] =
    "    [ \"$COMP_CWORD\" -eq 1 ] && { COMPREPLY=($(compgen -W \"$verbs --help --version\" -- \"$cur\")); return; }\n"
    "    case $kind in\n"
    "    words) COMPREPLY=($(compgen -W \"$words\" -- \"$cur\")) ;;\n"
    "    folders) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- \"$cur\") ;;\n"
    "    files) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- \"$cur\") ;;\n"
    "    any) ;;\n"
    "    *) COMPREPLY=($(compgen -W \"$flags\" -- \"$cur\")) ;;\n"
    "    esac\n"
    "}\n"
    "complete -F _mtbench mtbench ./mtbench\n";

/* ---- zsh ---- */

/* In single quotes and brackets of _arguments. */
static void zsh_text(struct buf *out, const char *text)
{
    for (; *text; text++)
        switch (*text) {
        case '\'': buf_str(out, "'\\''"); break;
        case '[': case ']': case ':': case '\\': buf_printf(out, "\\%c", *text); break;
        default: buf_char(out, *text);
        }
}

static void zsh_verb(struct buf *out, const struct manual_verb *v)
{
    buf_str(out, "    (");
    put_names(out, v);
    buf_str(out, ") _arguments \\\n");
    for (int i = 0; i < v->n; i++) {
        const struct opt *o = &v->table[i];
        const char *what = kind(o);
        if (!*o->name) {
            buf_printf(out, "        '*:%s:_files' \\\n", o->arg ? o->arg : "word");
            continue;
        }
        buf_printf(out, "        '--%s%s[", o->name, *what ? "=" : "");
        zsh_text(out, o->help);
        buf_char(out, ']');
        if (*what) {
            buf_str(out, o->kind == OPT_MAYBE ? "::" : ":");
            zsh_text(out, o->arg ? o->arg : "value");
            buf_char(out, ':');
        }
        if (!strcmp(what, "words")) {
            buf_char(out, '(');
            put_words(out, o->arg);
            buf_char(out, ')');
        } else if (!strcmp(what, "files") || !strcmp(what, "folders")) {
            buf_str(out, *what == 'f' && what[1] == 'o' ? "_files -/" : "_files");
        }
        buf_str(out, "' \\\n");
    }
    buf_str(out, "        '--help[what there is]' ;;\n");
}

static const char zsh_tail[] =
    "    )\n"
    "    if (( CURRENT == 2 )); then\n"
    "        _describe verb verbs\n"
    "    else\n"
    "        local verb=${words[2]}\n"
    "        shift words\n"
    "        (( CURRENT-- ))\n"
    "        _mtbench_flags $verb\n"
    "    fi\n"
    "}\n"
    "_mtbench \"$@\"\n";

/* ---- either ---- */

void completion_head(struct buf *out, enum manual_shell shell)
{
    if (shell == MANUAL_BASH)
        buf_str(out, bash_head);
    else
        buf_str(out, "#compdef mtbench\n# made by mtbench --completion zsh\n_mtbench_flags() {\n    case $1 in\n");
}

void completion_put_verb(struct buf *out, enum manual_shell shell, const struct manual_verb *v)
{
    if (shell == MANUAL_BASH)
        bash_verb(out, v);
    else
        zsh_verb(out, v);
}

void completion_tail(struct buf *out, enum manual_shell shell, const struct manual_verb *verbs, int n)
{
    if (shell == MANUAL_BASH) {
        struct buf list = {0};
        for (int i = 0; i < n; i++)
            buf_printf(&list, "%s%s%s%s", i ? " " : "", verbs[i].name, verbs[i].peer ? " " : "", verbs[i].peer ? verbs[i].peer : "");
        buf_printf(out, "    esac\n    local verbs='%s'\n%s", list.data ? list.data : "", bash_tail);
        buf_free(&list);
        return;
    }
    buf_str(out, "    esac\n}\n_mtbench() {\n    local -a verbs\n    verbs=(\n");
    for (int i = 0; i < n; i++) {
        buf_printf(out, "        '%s:", verbs[i].name);
        zsh_text(out, verbs[i].summary);
        buf_str(out, "'\n");
    }
    buf_str(out, zsh_tail);
}
