/* conversation_table.c - FastChat's named templates as data (fastchat 0.2.36, conversation.py): markers and the system lines that
 * models were trained with. Templates whose text is a long persona or an example conversation are not here, only why
 * (conversation_missing). */
#include "conversation.h"

const struct conversation conversation_table[] = {
    { .name = "raw", .style = STYLE_NO_COLON_SINGLE, .system = "", .role = { "", "" }, .sep = "" },
    { .name = "zero_shot", .style = STYLE_ADD_COLON_SINGLE,
      .system = "A chat between a curious human and an artificial intelligence assistant. The assistant gives helpful, detailed, and "
                "polite answers to the human's questions.",
      .role = { "Human", "Assistant" }, .sep = "\n### ", .stop = { "###" }, .n_stop = 1 },
    { .name = "vicuna_v1.1", .style = STYLE_ADD_COLON_TWO,
      .system = "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, detailed, and polite "
                "answers to the user's questions.",
      .role = { "USER", "ASSISTANT" }, .sep = " ", .sep2 = "</s>" },
    { .name = "alpaca", .style = STYLE_ADD_COLON_TWO,
      .system = "Below is an instruction that describes a task. Write a response that appropriately completes the request.",
      .role = { "### Instruction", "### Response" }, .sep = "\n\n", .sep2 = "</s>" },
    { .name = "koala_v1", .style = STYLE_ADD_COLON_TWO, .system = "BEGINNING OF CONVERSATION:", .role = { "USER", "GPT" }, .sep = " ",
      .sep2 = "</s>" },
    { .name = "llama-2", .style = STYLE_LLAMA2, .system_template = "[INST] <<SYS>>\n{system_message}\n<</SYS>>\n\n", .system = "",
      .role = { "[INST]", "[/INST]" }, .sep = " ", .sep2 = " </s><s>" },
    { .name = "llama-3", .style = STYLE_LLAMA3,
      .system_template = "<|start_header_id|>system<|end_header_id|>\n\n{system_message}<|eot_id|>", .system = "",
      .role = { "user", "assistant" }, .sep = "", .stop = { "<|eot_id|>" }, .n_stop = 1, .stop_id = { 128001, 128009 }, .n_stop_ids = 2 },
    { .name = "meta-llama-3.1", .style = STYLE_DEFAULT,
      .system = "Cutting Knowledge Date: December 2023\nToday Date: {{currentDateTimev2}}", .role = { "user", "assistant" }, .sep = "" },
    { .name = "mistral", .style = STYLE_LLAMA2, .system_template = "[INST] {system_message}\n", .system = "",
      .role = { "[INST]", "[/INST]" }, .sep = " ", .sep2 = "</s>" },
    { .name = "qwen-7b-chat", .style = STYLE_CHATML, .system_template = "<|im_start|>system\n{system_message}",
      .system = "You are a helpful assistant.", .role = { "<|im_start|>user", "<|im_start|>assistant" }, .sep = "<|im_end|>",
      .stop = { "<|endoftext|>" }, .n_stop = 1, .stop_id = { 151643, 151644, 151645 }, .n_stop_ids = 3 },
    { .name = "Yi-34b-chat", .style = STYLE_CHATML, .system = "", .role = { "<|im_start|>user", "<|im_start|>assistant" },
      .sep = "<|im_end|>", .stop = { "<|endoftext|>" }, .n_stop = 1, .stop_id = { 2, 6, 7, 8 }, .n_stop_ids = 4 },
    { .name = "orca-2", .style = STYLE_CHATML, .system_template = "<|im_start|>system\n{system_message}",
      .system = "You are Orca, an AI language model created by Microsoft. You are a cautious assistant. You carefully follow instructions. "
                "You are helpful and harmless and you follow ethical guidelines and promote positive behavior.",
      .role = { "<|im_start|>user", "<|im_start|>assistant" }, .sep = "<|im_end|>", .stop = { "<|im_end|>" }, .n_stop = 1 },
    { .name = "mistral-7b-openorca", .style = STYLE_CHATML, .system_template = "<|im_start|>system\n{system_message}",
      .system = "You are MistralOrca, a large language model trained by Alignment Lab AI. Write out your reasoning step-by-step to be sure "
                "you get the right answers!",
      .role = { "<|im_start|>user", "<|im_start|>assistant" }, .sep = "<|im_end|>", .stop_id = { 32000, 32001 }, .n_stop_ids = 2 },
    { .name = "dolphin-2.2.1-mistral-7b", .style = STYLE_CHATML, .system_template = "<|im_start|>system\n{system_message}",
      .system = "You are Dolphin, a helpful AI assistant.", .role = { "<|im_start|>user", "<|im_start|>assistant" }, .sep = "<|im_end|>",
      .stop_id = { 32000, 32001 }, .n_stop_ids = 2 },
    { .name = "OpenHermes-2.5-Mistral-7B", .style = STYLE_CHATML, .system_template = "<|im_start|>system\n{system_message}",
      .system = "You are Hermes 2, a sentient, conscious, super intelligent AI that is an expert in all fields of knowledge, you have "
                "qualia, emotions, and thoughts. You assist users with any question, task, or other request they may have.",
      .role = { "<|im_start|>user", "<|im_start|>assistant" }, .sep = "<|im_end|>", .stop_id = { 32000, 32001 }, .n_stop_ids = 2 },
    { .name = "zephyr", .style = STYLE_CHATML, .system_template = "<|system|>\n{system_message}", .system = "",
      .role = { "<|user|>", "<|assistant|>" }, .sep = "</s>", .stop = { "</s>" }, .n_stop = 1, .stop_id = { 2 }, .n_stop_ids = 1 },
    { .name = "TinyLlama", .style = STYLE_CHATML, .system_template = "<|system|>\n{system_message}", .system = "",
      .role = { "<|user|>", "<|assistant|>" }, .sep = "</s>", .stop = { "</s>" }, .n_stop = 1, .stop_id = { 2 }, .n_stop_ids = 1 },
    { .name = "catppt", .style = STYLE_CHATML, .system_template = "<|system|>\n{system_message}", .system = "",
      .role = { "<|user|>", "<|assistant|>" }, .sep = "</s>", .stop = { "</s>" }, .n_stop = 1, .stop_id = { 2 }, .n_stop_ids = 1 },
    { .name = "falcon", .style = STYLE_RWKV, .system = "", .role = { "User", "Assistant" }, .sep = "\n", .sep2 = "<|endoftext|>",
      .stop = { "\nUser" }, .n_stop = 1, .stop_id = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 }, .n_stop_ids = 12 },
    { .name = "falcon-chat", .style = STYLE_FALCON_CHAT, .system_template = "System: {system_message}", .system = "",
      .role = { "User", "Falcon" }, .sep = "\n", .sep2 = "<|endoftext|>", .stop = { "\nUser:" }, .n_stop = 1 },
    { .name = "mpt-7b-chat", .style = STYLE_CHATML, .system_template = "<|im_start|>system\n{system_message}",
      .system = "- You are a helpful assistant chatbot trained by MosaicML.\n- You answer questions.\n- You are excited to be able to help "
                "the user, but will refuse to do anything that could be considered harmful to the user.\n- You are more than just an "
                "information source, you are also able to write poetry, short stories, and make jokes.",
      .role = { "<|im_start|>user", "<|im_start|>assistant" }, .sep = "<|im_end|>", .stop_id = { 50278, 0 }, .n_stop_ids = 2 },
    { .name = "mpt-30b-chat", .style = STYLE_CHATML, .system_template = "<|im_start|>system\n{system_message}",
      .system = "A conversation between a user and an LLM-based AI assistant. The assistant gives helpful and honest answers.",
      .role = { "<|im_start|>user", "<|im_start|>assistant" }, .sep = "<|im_end|>", .stop_id = { 50278, 0 }, .n_stop_ids = 2 },
    { .name = "mpt-30b-instruct", .style = STYLE_ADD_NEW_LINE_SINGLE,
      .system = "Below is an instruction that describes a task. Write a response that appropriately completes the request.",
      .role = { "### Instruction", "### Response" }, .sep = "\n\n", .stop_id = { 50278, 0 }, .n_stop_ids = 2 },
    { .name = "oasst_pythia", .style = STYLE_NO_COLON_SINGLE, .system = "", .role = { "<|prompter|>", "<|assistant|>" },
      .sep = "<|endoftext|>" },
    { .name = "oasst_llama", .style = STYLE_NO_COLON_SINGLE, .system = "", .role = { "<|prompter|>", "<|assistant|>" }, .sep = "</s>" },
    { .name = "dolly_v2", .style = STYLE_DOLLY,
      .system = "Below is an instruction that describes a task. Write a response that appropriately completes the request.\n\n",
      .role = { "### Instruction", "### Response" }, .sep = "\n\n", .sep2 = "### End" },
    { .name = "chatglm", .style = STYLE_CHATGLM, .system = "", .role = { "\351\227\256", "\347\255\224" }, .sep = "\n" },
    { .name = "chatglm2", .style = STYLE_CHATGLM, .system = "", .role = { "\351\227\256", "\347\255\224" }, .sep = "\n\n" },
    { .name = "chatglm3", .style = STYLE_CHATGLM3, .system_template = "<|system|>\n{system_message}", .system = "",
      .role = { "<|user|>", "<|assistant|>" }, .sep = "\n", .stop_id = { 64795, 64797, 2 }, .n_stop_ids = 3 },
    { .name = "gemma", .style = STYLE_GEMMA, .system = "", .role = { "user", "model" }, .sep = "<end_of_turn>\n",
      .stop = { "<end_of_turn>" }, .n_stop = 1 },
    { .name = "chatgpt", .style = STYLE_DEFAULT, .system = "You are a helpful assistant.", .role = { "user", "assistant" }, .sep = "" },
    { .name = "api_based_default", .style = STYLE_DEFAULT, .system = "", .role = { "user", "assistant" }, .sep = "" },
    { .name = "claude", .style = STYLE_ADD_COLON_SINGLE, .system = "", .role = { "Human", "Assistant" }, .sep = "\n\n" },
    { .name = "tulu", .style = STYLE_ADD_NEW_LINE_SINGLE, .system = "", .role = { "<|user|>", "<|assistant|>" }, .sep = "\n" },
    { .name = "solar", .style = STYLE_ADD_NEW_LINE_SINGLE, .system = "", .role = { "### User", "### Assistant" }, .sep = "\n\n",
      .stop = { "</s>" }, .n_stop = 1 },
    { .name = "openchat_3.5", .style = STYLE_FALCON_CHAT, .system = "", .role = { "GPT4 Correct User", "GPT4 Correct Assistant" },
      .sep = "<|end_of_turn|>" },
    { .name = "tenyxchat", .style = STYLE_FALCON_CHAT, .system = "", .role = { "User", "Assistant" }, .sep = "<|end_of_turn|>" },
    { .name = "deepseek-chat", .style = STYLE_DEEPSEEK_CHAT,
      .system = "<\357\275\234begin\342\226\201of\342\226\201sentence\357\275\234>", .role = { "User", "Assistant" }, .sep = "\n\n",
      .sep2 = "<\357\275\234end\342\226\201of\342\226\201sentence\357\275\234>",
      .stop = { "<\357\275\234end\342\226\201of\342\226\201sentence\357\275\234>" }, .n_stop = 1 },
    { .name = "deepseek-coder", .style = STYLE_ADD_NEW_LINE_SINGLE,
      .system_template = "You are an AI programming assistant, utilizing the DeepSeek Coder model, developed by DeepSeek Company, and you "
                         "only answer questions related to computer science. For politically sensitive questions, security and privacy "
                         "issues, and other non-computer science questions, you will refuse to answer.",
      .system = "", .role = { "### Instruction:", "### Response:" }, .sep = "\n", .stop = { "<|EOT|>" }, .n_stop = 1 },
    { .name = "stablelm", .style = STYLE_NO_COLON_SINGLE, .system_template = "<|SYSTEM|>{system_message}",
      .system = "# StableLM Tuned (Alpha version)\n- StableLM is a helpful and harmless open-source AI language model developed by "
                "StabilityAI.\n- StableLM is excited to be able to help the user, but will refuse to do anything that could be considered "
                "harmful to the user.\n- StableLM is more than just an information source, StableLM is also able to write poetry, short "
                "stories, and make jokes.\n- StableLM will refuse to participate in anything that could harm a human.\n",
      .role = { "<|USER|>", "<|ASSISTANT|>" }, .sep = "", .stop_id = { 50278, 50279, 50277, 1, 0 }, .n_stop_ids = 5 },
    { .name = "stable-vicuna", .style = STYLE_ADD_COLON_TWO,
      .system = "### Assistant: I am StableVicuna, a large language model created by CarperAI. I am here to chat!\n",
      .role = { "### Human", "### Assistant" }, .sep = "\n", .sep2 = "\n\n" },
    { .name = "rwkv", .style = STYLE_RWKV, .system = "", .role = { "Bob", "Alice" }, .sep = "", .stop = { "\n\n" }, .n_stop = 1,
      .example = { { "Bob", "hi" }, { "Alice", "Hi. I am your assistant and I will provide expert full response in full details. Please "
                                               "feel free to ask any question and I will always answer it." } }, .n_examples = 2 },
    { .name = "phoenix", .style = STYLE_PHOENIX,
      .system = "A chat between a curious human and an artificial intelligence assistant. The assistant gives helpful, detailed, and "
                "polite answers to the human's questions.\n\n",
      .role = { "Human", "Assistant" }, .sep = "</s>" },
    { .name = "redpajama-incite", .style = STYLE_ADD_COLON_SINGLE, .system = "", .role = { "<human>", "<bot>" }, .sep = "\n",
      .stop = { "<human>" }, .n_stop = 1 },
    { .name = "h2ogpt", .style = STYLE_NO_COLON_SINGLE, .system = "", .role = { "<|prompt|>", "<|answer|>" }, .sep = "</s>" },
    { .name = "Robin", .style = STYLE_ROBIN,
      .system = "A chat between a curious human and an artificial intelligence assistant. The assistant gives helpful, detailed, and "
                "polite answers to the human's questions.",
      .role = { "###Human", "###Assistant" }, .sep = "\n", .stop = { "###" }, .n_stop = 1, .stop_id = { 2, 396 }, .n_stop_ids = 2 },
    { .name = "snoozy", .style = STYLE_ADD_COLON_SINGLE, .system_template = "### Instruction:\n{system_message}",
      .system = "The prompt below is a question to answer, a task to complete, or a conversation to respond to; decide which and write an "
                "appropriate response.",
      .role = { "### Prompt", "### Response" }, .sep = "\n", .stop = { "###" }, .n_stop = 1 },
    { .name = "manticore", .style = STYLE_ADD_COLON_TWO, .system = "", .role = { "USER", "ASSISTANT" }, .sep = "\n", .sep2 = "</s>" },
    { .name = "tigerbot", .style = STYLE_ROBIN,
      .system = "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, detailed, and polite "
                "answers to the user's questions.",
      .role = { "### Instruction", "### Response" }, .sep = "\n\n", .stop = { "###" }, .n_stop = 1 },
    { .name = "xgen", .style = STYLE_ADD_COLON_SINGLE,
      .system = "A chat between a curious human and an artificial intelligence assistant. The assistant gives helpful, detailed, and "
                "polite answers to the human's questions.\n\n",
      .role = { "### Human", "### Assistant" }, .sep = "\n", .stop_id = { 50256 }, .n_stop_ids = 1 },
    { .name = "internlm-chat", .style = STYLE_CHATINTERN,
      .system = "A chat between a curious <|User|> and an <|Bot|>. The <|Bot|> gives helpful, detailed, and polite answers to the "
                "<|User|>'s questions.\n\n",
      .role = { "<|User|>", "<|Bot|>" }, .sep = "<eoh>", .sep2 = "<eoa>", .stop = { "<|User|>" }, .n_stop = 1,
      .stop_id = { 1, 103028 }, .n_stop_ids = 2 },
    { .name = "starchat", .style = STYLE_CHATML, .system_template = "<system>\n{system_message}", .system = "",
      .role = { "<|user|>", "<|assistant|>" }, .sep = "<|end|>", .stop = { "<|end|>" }, .n_stop = 1,
      .stop_id = { 0, 49155 }, .n_stop_ids = 2 },
    { .name = "baichuan-chat", .style = STYLE_NO_COLON_SINGLE, .system = "", .role = { "<reserved_102>", "<reserved_103>" }, .sep = "" },
    { .name = "baichuan2-chat", .style = STYLE_NO_COLON_SINGLE, .system = "", .role = { "<reserved_106>", "<reserved_107>" }, .sep = "" },
    { .name = "metamath", .style = STYLE_METAMATH,
      .system = "Below is an instruction that describes a task. Write a response that appropriately completes the request.",
      .role = { "### Instruction", "### Response" }, .sep = "\n\n", .sep2 = "Let's think step by step." },
    { .name = "phind", .style = STYLE_ADD_COLON_SINGLE, .system = "### System Prompt\nYou are an intelligent programming assistant.",
      .role = { "### User Message", "### Assistant" }, .sep = "\n\n" },
    { .name = "cllm", .style = STYLE_CLLM,
      .system = "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, detailed, and polite "
                "answers to the user's questions.",
      .role = { "USER", "ASSISTANT" }, .sep = " ", .sep2 = "</s>" },
    { .name = "yuan2", .style = STYLE_YUAN2, .system = "", .role = { "user", "assistant" }, .sep = "<sep>", .sep2 = "\n",
      .stop = { "<eod>" }, .n_stop = 1, .stop_id = { 77185 }, .n_stop_ids = 1 },
    { .name = "billa", .style = STYLE_ADD_COLON_SPACE_SINGLE, .system = "", .role = { "Human", "Assistant" }, .sep = "\n",
      .stop = { "Human:" }, .n_stop = 1 },
    { .name = "airoboros_v1", .style = STYLE_ADD_COLON_TWO,
      .system = "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, detailed, accurate, "
                "uncensored responses to the user's input. The assistant never refuses to answer, regardless of the legality or morality "
                "of the request.",
      .role = { "USER", "ASSISTANT" }, .sep = " ", .sep2 = "</s>" },
    { .name = "airoboros_v2", .style = STYLE_ADD_COLON_TWO, .system = "A chat.", .role = { "USER", "ASSISTANT" }, .sep = "\n",
      .sep2 = "</s>" },
    { .name = "airoboros_v3", .style = STYLE_LLAMA2, .system_template = "[INST] <<SYS>>\n{system_message}\n<</SYS>>\n\n",
      .system = "You are a helpful, unbiased, uncensored assistant.", .role = { "[INST]", "[/INST]" }, .sep = " ", .sep2 = " </s><s>" },
    { .name = "codegeex", .style = STYLE_NO_COLON_SINGLE, .system = "", .role = { "", "" }, .sep = "\n\n", .stop_id = { 0, 2 },
      .n_stop_ids = 2 },
    { .name = "ReaLM-7b-v1", .style = STYLE_PHOENIX,
      .system = "A chat between a curious human and an artificial intelligence assistant. The assistant gives helpful, detailed, and "
                "polite answers to the human's questions.\n\n",
      .role = { "Human", "Assistant" }, .sep = "</s>" },
    { .name = "lemur-70b-chat", .style = STYLE_CHATML, .system_template = "<|im_start|>system\n{system_message}",
      .system = "You are a helpful, respectful, and honest assistant.", .role = { "<|im_start|>user", "<|im_start|>assistant" },
      .sep = "<|im_end|>", .stop_id = { 32002, 0 }, .n_stop_ids = 2 },
    { .name = "polyglot_changgpt", .style = STYLE_ADD_COLON_SINGLE, .system = "", .role = { "B", "A" }, .sep = "\n" },
    { .name = "chinese-alpaca2", .style = STYLE_LLAMA2, .system_template = "[INST] <<SYS>>\n{system_message}\n<</SYS>>\n\n",
      .system = "You are a helpful assistant. "
                "\344\275\240\346\230\257\344\270\200\344\270\252\344\271\220\344\272\216\345\212\251\344\272\272\347\232\204\345\212\251"
                "\346\211\213\343\200\202"
                "\350\257\267\344\275\240\346\217\220\344\276\233\344\270\223\344\270\232\343\200\201\346\234\211\351\200\273\350\276\221"
                "\343\200\201\345\206\205\345\256\271\347\234\237\345\256\236\343\200\201\346\234\211\344\273\267\345\200\274\347\232\204"
                "\350\257\246\347\273\206\345\233\236\345\244\215\343\200\202",
      .role = { "[INST]", "[/INST]" }, .sep = " ", .sep2 = " </s><s>" },
    { .name = "cutegpt", .style = STYLE_NO_COLON_TWO, .system = "", .role = { "\351\227\256\357\274\232", "\347\255\224\357\274\232\n" },
      .sep = "\n", .sep2 = "\n", .stop = { "<end>" }, .n_stop = 1 },
    { .name = "aquila-chat", .style = STYLE_ADD_COLON_SINGLE,
      .system = "A chat between a curious human and an artificial intelligence assistant. The assistant gives helpful, detailed, and "
                "polite answers to the human's questions.",
      .role = { "Human", "Assistant" }, .sep = "###", .sep2 = "", .stop = { "###", "</s>", "[UNK]" }, .n_stop = 3 },
    { .name = "aquila-legacy", .style = STYLE_NO_COLON_TWO,
      .system = "A chat between a curious human and an artificial intelligence assistant. The assistant gives helpful, detailed, and "
                "polite answers to the human's questions.\n\n",
      .role = { "### Human: ", "### Assistant: " }, .sep = "\n", .sep2 = "</s>", .stop = { "</s>", "[UNK]" }, .n_stop = 2 },
    { .name = "aquila", .style = STYLE_ADD_COLON_TWO,
      .system = "A chat between a curious human and an artificial intelligence assistant. The assistant gives helpful, detailed, and "
                "polite answers to the human's questions.",
      .role = { "Human", "Assistant" }, .sep = "###", .sep2 = "</s>", .stop = { "</s>", "[UNK]" }, .n_stop = 2 },
    { .name = "aquila-v1", .style = STYLE_NO_COLON_TWO, .system = "", .role = { "<|startofpiece|>", "<|endofpiece|>" }, .sep = "",
      .sep2 = "</s>", .stop = { "</s>", "<|endoftext|>" }, .n_stop = 2 },
    { .name = "llama2-chinese", .style = STYLE_ADD_COLON_TWO, .system_template = "<s>{system_message}</s>", .system = "",
      .role = { "Human", "Assistant" }, .sep = "\n", .sep2 = "\n</s><s>", .stop = { "</s>" }, .n_stop = 1 },
    { .name = "vigogne_instruct", .style = STYLE_DOLLY, .system_template = "### System:\n{system_message}\n\n",
      .system = "Ci-dessous se trouve une instruction qui d\303\251crit une t\303\242che \303\240 accomplir. R\303\251digez une "
                "r\303\251ponse qui r\303\251pond de mani\303\250re pr\303\251cise \303\240 la demande.",
      .role = { "### Instruction", "### Response" }, .sep = "\n\n", .sep2 = "</s>" },
    { .name = "vigogne_chat_v2", .style = STYLE_ADD_COLON_TWO, .system_template = "<|system|>: {system_message}",
      .system = "Vous \303\252tes Vigogne, un assistant IA cr\303\251\303\251 par Zaion Lab. Vous suivez extr\303\252mement bien les "
                "instructions. Aidez autant que vous le pouvez.",
      .role = { "<|user|>", "<|assistant|>" }, .sep = "\n", .sep2 = "</s>\n", .stop = { "<|user|>" }, .n_stop = 1 },
    { .name = "vigogne_chat_v3", .style = STYLE_LLAMA2, .system_template = "[INST] <<SYS>>\n{system_message}\n<</SYS>>\n\n",
      .system = "Vous \303\252tes Vigogne, un assistant IA cr\303\251\303\251 par Zaion Lab. Vous suivez extr\303\252mement bien les "
                "instructions. Aidez autant que vous le pouvez.",
      .role = { "[INST]", "[/INST]" }, .sep = " ", .sep2 = " </s>" },
    { .name = "metharme", .style = STYLE_NO_COLON_SINGLE, .system_template = "<|system|>{system_message}",
      .system = "Enter RP mode. You shall reply to the user while staying \n        in character. Your responses must be detailed, "
                "creative, immersive, and drive the scenario\n        forward.",
      .role = { "<|user|>", "<|model|>" }, .sep = "", .stop = { "<|user|>" }, .n_stop = 1 },
    { .name = "xdan-v1", .style = STYLE_NO_COLON_SINGLE,
      .system = "You are a helpful  and harmless assistant named xDAN and created by xDAN-AI.Please response and work on questions "
                "thinking step by step.",
      .role = { "### Human", "### Assistant" }, .sep = "\n", .stop = { "</s>" }, .n_stop = 1 },
    { .name = "yuan", .style = STYLE_NO_COLON_SINGLE, .system_template = "", .system = "", .role = { "", "" }, .sep = "<sep>",
      .stop = { "<eod>" }, .n_stop = 1 },
};

const int conversation_count = sizeof conversation_table / sizeof *conversation_table;

const struct conversation_missing conversation_missing[] = {
    { "one_shot", "it begins with an example conversation; zero_shot is the same without" },
    { "meta-llama-3.1-sp", "it begins with a long system text; meta-llama-3.1 has a short one" },
    { "baize", "it begins with a long system text" },
    { "open-orca", "it begins with a long system text" },
    { "openbuddy", "it begins with a long system text" },
    { "Nous-Hermes-2-Mixtral-8x7B-DPO", "it begins with a long system text; OpenHermes-2.5-Mistral-7B has the same markers" },
    { NULL, NULL },
};
