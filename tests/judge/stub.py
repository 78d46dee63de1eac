#!/usr/bin/env python3
"""A stub of the chat APIs (openai, azure, anthropic) for tests: HTTP/1.1 with keep-alive on one asyncio loop, and every fault that real servers show.

A prompt says what is to happen to it: `id=NAME` names it in the log and in the reply (without: a hash of its text does), `fault=NAME[:COUNT[:ARGUMENT]]`
asks for faults, one after the other, COUNT times each (1; * for ever), before it is answered. Files of --dir are served below /files/, with ranges.
--replies FILE holds a JSON list of texts, from which the hash of the prompt chooses; without, every answer is a 7 and the name.
Each request is a line of the log once its reply is written: {"id", "try", "path", "code", "fault", "answered", "at", "params"}, with --messages
also "messages"; "answered" says that a whole, usable answer went out.
"""
import argparse
import asyncio
import gzip
import hashlib
import json
import os
import re
import ssl
import time
import zlib

FAULT = re.compile(r"fault=(\w+)(?::(\d+|\*))?(?::([\w.]+))?")
ID = re.compile(r"id=([\w-]+)")


class Reply:
    """What to send: status, headers, body, and how it goes wrong on the way."""

    def __init__(self, code=200, body=b"", headers=(), answered=False, delay=0.0, cut=None, reset=False, chunked=False, close=False, length=True, version="1.1"):
        self.code, self.body, self.headers, self.answered, self.delay = code, body, list(headers), answered, delay
        self.cut, self.reset, self.chunked, self.close, self.length, self.version = cut, reset, chunked, close, length, version


def error(code, kind, message, headers=(), **more):
    return Reply(code, json.dumps({"error": {"message": message, "type": kind, "code": kind, "param": None, **more}}).encode(), headers)


class Stub:
    def __init__(self, args):
        self.args, self.tries, self.n, self.flying, self.peak, self.connections, self.proxied = args, {}, 0, 0, 0, 0, 0
        self.log = open(args.log, "a", buffering=1, encoding="utf-8") if args.log else None
        self.window, self.in_window = 0.0, 0
        self.replies = json.load(open(args.replies, encoding="utf-8")) if args.replies else None

    # ---- what is answered ----

    def answer(self, api, request, text, finish=None, thinking=None, reasoning=None, usage=True, refusal=None):
        tokens = sum(len(m["content"]) for m in request["messages"]) // 4
        if api == "anthropic":
            content = [{"type": "thinking", "thinking": thinking}] if thinking else []
            stop = {"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal", None: "end_turn"}.get(finish, finish)
            body = {"id": "msg_1", "type": "message", "role": "assistant", "model": request["model"] + "-dated",
                    "content": content + ([{"type": "text", "text": text}] if text else []), "stop_reason": "refusal" if refusal else stop}
            if usage:
                body["usage"] = {"input_tokens": tokens, "output_tokens": 10}
        else:
            message = {"role": "assistant", "content": text, "refusal": refusal}
            if thinking:
                message["content"] = f"<think>{thinking}</think>\n\n{text}"
            if reasoning:
                message["reasoning_content"] = reasoning
            body = {"id": "chatcmpl-1", "object": "chat.completion", "model": request["model"] + "-dated",
                    "choices": [{"index": 0, "message": message, "finish_reason": finish or "stop", "logprobs": {"content": [{"logprob": float("nan")}]}}]}
            if usage:
                body["usage"] = {"prompt_tokens": tokens, "completion_tokens": 10, "total_tokens": tokens + 10}
        return Reply(200, json.dumps(body).encode(), [("x-request-id", f"req_{self.n}")])

    def good(self, api, request, name, **more):
        text = f"Rating: [[7]] {name}"
        if self.replies:
            text = self.replies[hashlib.sha256(request["messages"][-1]["content"].encode()).digest()[0] % len(self.replies)]
        r = self.answer(api, request, text, **more)
        r.answered = True
        return r

    def stream(self, api, reply):
        """The same reply as an event stream."""
        whole = json.loads(reply.body)
        if api == "anthropic":
            text = "".join(x["text"] for x in whole["content"] if x["type"] == "text")
            events = [{"type": "message_start", "message": whole | {"content": [], "stop_reason": None}}, {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}]
            events += [{"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": c}} for c in text]
            events += [{"type": "message_delta", "delta": {"stop_reason": whole["stop_reason"]}, "usage": {"output_tokens": 10}}, {"type": "message_stop"}]
            data = "".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in events)
        else:
            c = whole["choices"][0]
            events = [{"delta": {"role": "assistant"}}] + [{"delta": {"content": x}} for x in c["message"]["content"]] + [{"delta": {}, "finish_reason": c["finish_reason"]}]
            lines = [{"id": "x", "object": "chat.completion.chunk", "choices": [{"index": 0, "finish_reason": None, **e}]} for e in events] + [{"choices": [], "usage": whole["usage"]}]
            data = ": stream\r\n\r\n" + "".join(f"data: {json.dumps(x)}\r\n\r\n" for x in lines) + "data: [DONE]\r\n\r\n"
        reply.body = data.encode()
        reply.headers.append(("content-type", "text/event-stream"))
        return reply

    def fault(self, api, request, name, kind, arg, headers):
        limit = request.get("max_tokens", request.get("max_completion_tokens", 0))
        wait = [("retry-after", arg)] if arg else []
        if kind in ("500", "503", "504", "529"):
            return error(int(kind), "overloaded_error" if kind == "529" else "server_error", "trouble", wait + [("x-request-id", f"req_{self.n}")])
        if kind == "502":
            return Reply(502, b"<html><h1>Bad Gateway</h1></html>", [("content-type", "text/html")])
        if kind == "429":
            return error(429, "rate_limit_exceeded", "slow down", wait)
        if kind == "verdict":
            r = self.answer(api, request, f"I say [[{arg}]] {name}")
            r.answered = True
            return r
        if kind == "reset_headers":
            return error(429, "rate_limit_exceeded", "slow down", [("x-ratelimit-reset-requests", "12ms"), ("x-ratelimit-reset-tokens", arg or "200ms")])
        if kind == "unknown_headers":
            return error(429, "rate_limit_exceeded", "slow down", [("x-ratelimit-reset-requests", "-1"), ("x-ratelimit-reset-tokens", "0")])
        if kind == "date":
            return error(429, "rate_limit_exceeded", "slow down", [("retry-after", time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 1)))])
        if kind == "quota":
            return error(429, "insufficient_quota", "You exceeded your current quota")
        if kind in ("401", "403", "404"):
            return error(int(kind), "refused", f"you sent {headers.get('authorization') or headers.get('x-api-key') or headers.get('api-key')}")
        if kind == "echo":
            return error(500 if arg != "400" else 400, "server_error", f"headers were {headers}")
        if kind == "redirect":
            return Reply(307, b"", [("location", "http://127.0.0.1:9/elsewhere")])
        if kind == "slow":
            r = self.good(api, request, name)
            r.delay = float(arg or 1)
            return r
        if kind == "late":  # the client has given up by then
            return Reply(200, b"{}", delay=float(arg or 1))
        if kind == "cut":
            r = self.answer(api, request, "Rating: [[1]]")
            r.cut = len(r.body) // 2
            return r
        if kind == "cut_open":  # no length, and the connection ends in the middle
            r = self.answer(api, request, "Rating: [[1]]")
            r.cut, r.length = len(r.body) // 2, False
            return r
        if kind == "reset":
            return Reply(reset=True)
        if kind == "badjson":
            return Reply(200, b'{"choices": [{"message": {"content": "Rating: [[1]]"')
        if kind == "html":
            return Reply(200, b"<html>login</html>")
        if kind == "huge":
            r = self.answer(api, request, f"Rating: [[7]] {name} " + "x" * (5 << 20))
            r.answered = True
            return r
        if kind == "toolarge":
            return self.answer(api, request, "x" * (17 << 20))
        if kind == "nochoices":
            return Reply(200, json.dumps({"id": "x", "choices": [], "content": None}).encode())
        if kind == "nullchoices":
            return Reply(200, json.dumps({"id": "x", "choices": None}).encode())
        if kind == "nousage":
            return self.good(api, request, name, usage=False)
        if kind == "strerror":
            return Reply(int(arg or 500), b'{"error": "model is loading"}')
        if kind == "error200":
            return Reply(200, b'{"error": {"code": 503, "message": "upstream"}}')
        if kind == "think":
            return self.good(api, request, name, thinking="maybe [[1]]")
        if kind == "reasoning":
            return self.good(api, request, name, **({"thinking": "maybe [[1]]"} if api == "anthropic" else {"reasoning": "maybe [[1]]"}))
        if kind == "length":  # a reasoning judge: nothing comes within less than the argument
            return self.answer(api, request, "", finish="length") if limit < int(arg or 1 << 30) else self.good(api, request, name)
        if kind == "lengthtext":
            return self.answer(api, request, "I think that", finish="length")
        if kind == "limit":  # the text does not fit, and neither does twice the limit
            return self.answer(api, request, "I think that", finish="length") if limit <= 2048 else error(400, "invalid_request_error", "max_tokens is too large")
        if kind == "filter":
            return error(400, "content_filter", "The response was filtered", innererror={"code": "ResponsibleAIPolicyViolation"})
        if kind == "filter200":
            return self.answer(api, request, "half", finish="content_filter")
        if kind == "refusal":
            return self.answer(api, request, None if api != "anthropic" else "I will not", refusal="I will not")
        if kind == "toolong":
            return error(400, "context_length_exceeded", "This model's maximum context length is 8192 tokens")
        if kind == "finish":  # the server's own word for why it ended
            return self.answer(api, request, "Half [[1]]", finish=arg)
        if kind == "beside":
            r = self.answer(api, request, "Half [[1]]")
            r.body = json.dumps(json.loads(r.body) | {"error": {"message": "upstream died", "type": "api_error"}}).encode()
            return r
        if kind == "list":  # errors of FastAPI's form
            return Reply(422, json.dumps({"detail": [{"type": "missing", "loc": ["body", "tools"], "msg": "Field required"}]}).encode())
        if kind in ("gzip", "deflate"):  # though nobody may have asked
            r = self.good(api, request, name)
            r.body = gzip.compress(r.body) if kind == "gzip" else zlib.compress(r.body)
            r.headers.append(("content-encoding", kind))
            return r
        if kind == "bomb":
            r = Reply(200, gzip.compress(b'{"choices": "' + b" " * (64 << 20)), [("content-encoding", "gzip")])
            return r
        if kind == "stream":
            return self.stream(api, self.good(api, request, name))
        if kind == "torn":  # a stream that ends before its end
            r = self.stream(api, self.answer(api, request, "Half [[1]]"))
            r.body = r.body[:2 * len(r.body) // 3]
            return r
        if kind == "done":
            r = self.good(api, request, name)
            r.body += b"\n\ndata: [DONE]\n\n"
            return r
        if kind == "http10":
            r = self.good(api, request, name)
            r.version, r.length = "1.0", False
            return r
        if kind == "chunked":
            r = self.good(api, request, name)
            r.chunked = True
            return r
        if kind == "close":
            r = self.good(api, request, name)
            r.close = True
            return r
        raise ValueError(f"unknown fault {kind}")

    def planned(self, text, n):
        """The fault of the n-th try (from 0), or None."""
        for kind, count, arg in FAULT.findall("" if self.args.no_faults else text):
            if count == "*" or n < int(count or 1):
                return kind, arg
            n -= int(count or 1)
        return None

    def refuse(self, api, request, headers):
        """What any server checks."""
        key = {"openai": headers.get("authorization", "").removeprefix("Bearer "), "azure": headers.get("api-key"), "anthropic": headers.get("x-api-key")}[api]
        if self.args.key and key != self.args.key:
            return error(401, "invalid_api_key", f"Incorrect API key provided: {key}")
        if self.args.model and request.get("model") != self.args.model:
            return error(404, "model_not_found", f"The model {request.get('model')} does not exist")
        if api == "anthropic" and (any(m["role"] == "system" for m in request["messages"]) or "max_tokens" not in request or "anthropic-version" not in headers):
            return error(400, "invalid_request_error", "system, max_tokens or version")
        if self.args.no_max_tokens and "max_tokens" in request:
            return error(400, "unsupported_parameter", "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
                         param="max_tokens")
        if self.args.no_temperature and "temperature" in request:
            return error(400, "unsupported_value", "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) value is supported.",
                         param="temperature")
        if self.args.no_n and "n" in request:
            return Reply(422, json.dumps({"object": "error", "message": {"detail": [{"type": "extra_forbidden", "loc": ["body", "n"], "msg": "Extra inputs are not permitted", "input": 1}]},
                                          "type": "invalid_request_error", "param": None, "code": None}).encode())
        if self.args.no_system and api != "anthropic" and request["messages"][0]["role"] == "system":
            return error(400, "BadRequestError", "System role not supported")
        if self.args.rate:
            now = time.monotonic()
            if now - self.window >= self.args.window:
                self.window, self.in_window = now, 0
            self.in_window += 1
            if self.in_window > self.args.rate:
                return error(429, "rate_limit_exceeded", "slow down", [("retry-after", f"{self.window + self.args.window - now:.3f}")])
        return None

    def reply(self, path, headers, body):
        api = "anthropic" if path.endswith("/messages") else "azure" if "/openai/" in path else "openai"
        if not re.fullmatch(r"/v1/chat/completions|/v1/messages|/openai/v1/chat/completions|/openai/deployments/[^/]+/chat/completions\?api-version=.+", path):
            return error(404, "not_found", "no such path"), {}
        request = json.loads(body)
        text = request["messages"][-1]["content"]
        name = (ID.search(text) or [None, hashlib.sha256(text.encode()).hexdigest()[:16]])[1]
        n = self.tries[name] = self.tries.get(name, -1) + 1
        said = {"id": name, "try": n + 1, "params": {k: v for k, v in request.items() if k not in ("messages", "system")}}
        if self.args.messages:
            said["messages"] = [{"role": "system", "content": x} for x in [request.get("system")] if x] + request["messages"]
        r, plan = self.refuse(api, request, headers), self.planned(text, n)
        if r is None and plan:
            said["fault"] = plan[0]
            r = self.fault(api, request, name, *plan, headers)
        return r or self.good(api, request, name), said

    # ---- files ----

    def file(self, path, headers):
        try:
            with open(os.path.join(self.args.dir, os.path.basename(path.split("?")[0])), "rb") as f:
                data = f.read()
        except OSError:
            return Reply(404, b"")
        option = path.partition("?")[2]
        m = re.fullmatch(r"bytes=(\d+)-", headers.get("range", ""))
        if m and option != "norange":
            start = int(m[1])
            if start >= len(data):
                return Reply(416, b"", [("content-range", f"bytes */{len(data)}")])
            r = Reply(206, data[start:], [("content-range", f"bytes {start}-{len(data) - 1}/{len(data)}")])
        else:
            r = Reply(200, data)
        self.tries[path] = self.tries.get(path, 0) + 1
        if option == "flaky" and self.tries[path] <= 2:
            r.cut = len(r.body) // 3
        if option == "moved":
            r = Reply(302, b"", [("location", path.split("?")[0])])
        return r

    # ---- the wire ----

    async def send(self, writer, r):
        head = [f"HTTP/{r.version} {r.code} x"]
        names = {k.lower() for k, _ in r.headers}
        if "content-type" not in names:
            head.append("content-type: application/json")
        head += [f"{k}: {v}" for k, v in r.headers]
        if r.chunked:
            head.append("transfer-encoding: chunked")
        elif r.length:
            head.append(f"content-length: {len(r.body)}")
        if r.close or not r.length:
            head.append("connection: close")
        writer.write(("\r\n".join(head) + "\r\n\r\n").encode())
        if r.chunked:
            half = len(r.body) // 2
            for piece in (r.body[:half], r.body[half:], b""):
                writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        else:
            writer.write(r.body if r.cut is None else r.body[:r.cut])
        await writer.drain()
        return r.cut is None

    async def request(self, reader):
        line = await reader.readline()
        if not line.strip():
            return None
        path, headers = line.split()[1].decode(), {}
        self.proxied += path.startswith("http://")
        path = re.sub("^http://[^/]+", "", path)  # we may be asked as a proxy
        while (line := (await reader.readline()).strip()):
            k, _, v = line.decode("latin-1").partition(":")
            headers[k.strip().lower()] = v.strip()
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        return path, headers, body

    async def handle(self, reader, writer):
        self.connections += 1
        try:
            while (got := await self.request(reader)):
                path, headers, body = got
                if path == "/stats":
                    r, said = Reply(200, json.dumps({"peak": self.peak, "connections": self.connections, "requests": self.n, "proxied": self.proxied}).encode()), {}
                elif path.startswith("/files/"):
                    r, said = self.file(path, headers), {"id": path, "range": headers.get("range")}
                else:
                    self.n += 1
                    r, said = self.reply(path, headers, body)
                self.flying += 1
                self.peak = max(self.peak, self.flying)
                if path != "/stats" and (r.delay or self.args.delay):
                    await asyncio.sleep(r.delay or self.args.delay)
                self.flying -= 1
                if r.reset:
                    writer.transport.abort()
                whole = not r.reset and not writer.transport.is_closing() and await self.send(writer, r)
                if self.log and said:
                    said.update(path=path, code=r.code, answered=bool(whole and r.answered), at=time.time())
                    self.log.write(json.dumps(said) + "\n")
                if not whole or r.close or not r.length:
                    break
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            writer.close()


async def main():
    p = argparse.ArgumentParser()
    p.add_argument("--port", type=int, default=0)
    p.add_argument("--port-file")
    p.add_argument("--log")
    p.add_argument("--key")
    p.add_argument("--model")
    p.add_argument("--dir", default=".")
    p.add_argument("--replies")
    p.add_argument("--messages", action="store_true")
    p.add_argument("--no-faults", action="store_true", help="answer what asks for faults as well")
    p.add_argument("--delay", type=float, default=0)
    p.add_argument("--rate", type=int, help="answers per window, 429 for more")
    p.add_argument("--window", type=float, default=1)
    p.add_argument("--no-max-tokens", action="store_true")
    p.add_argument("--no-temperature", action="store_true")
    p.add_argument("--no-system", action="store_true")
    p.add_argument("--no-n", action="store_true")
    p.add_argument("--cert")
    p.add_argument("--cert-key")
    args = p.parse_args()
    tls = None
    if args.cert:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(args.cert, args.cert_key)
    server = await asyncio.start_server(Stub(args).handle, "127.0.0.1", args.port, ssl=tls, limit=32 << 20, backlog=1024)
    port = server.sockets[0].getsockname()[1]
    if args.port_file:
        with open(args.port_file + ".new", "w", encoding="ascii") as f:
            f.write(str(port))
        os.replace(args.port_file + ".new", args.port_file)
    print(port, flush=True)
    async with server:
        await server.serve_forever()


asyncio.run(main())
