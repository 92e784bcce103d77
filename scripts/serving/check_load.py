"""Loads `mae serve` and abuses it: wrk, slow and broken clients, SIGTERM with requests under way, schemathesis.

    check_load.py MAE [--model RUN] [--seconds 60] [--cases 10000] [--without wrk,schemathesis,...]

The issue's lengths are the defaults; CI runs --seconds 6 --cases 300. Only loopback is asked.
"""

import argparse
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request

from server import Server, model, picture, temporary

arguments = argparse.ArgumentParser()
arguments.add_argument("mae")
arguments.add_argument("--model")
arguments.add_argument("--images", help="pictures for the throughput of mae embed")
arguments.add_argument("--seconds", type=int, default=60)
arguments.add_argument("--cases", type=int, default=10_000)
arguments.add_argument("--without", default="")
options = arguments.parse_args()
left_out = set(filter(None, options.without.split(",")))
here = os.path.dirname(os.path.abspath(__file__))
checks = 0


def check(what, holds, found=""):
    global checks
    assert holds, f"{what}: {found}"
    checks += 1
    print(f"ok: {what}{f' ({found})' if found != '' else ''}", flush=True)


def post(address, route, body, kind="image/png"):
    request = urllib.request.Request(address + route, data=body, headers={"Content-Type": kind}, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def connection(server):
    host, port = server.address.split("/")[2].rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=90)


def descriptors(server):
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


COUNTED = ('mae_engine_computations_total{work="reconstruct"}', 'mae_requests_dropped_total{route="/v1/reconstruct"}')


def metric(server, name):
    """A line's number in /metrics; 0 where it has no such line."""
    text = urllib.request.urlopen(server.address + "metrics").read().decode()
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name + " "))


def load(server, image, folder):
    """wrk on both routes; throughput beside `mae embed`."""
    if not shutil.which("wrk"):
        print("note: wrk is not installed; no load")
        return
    rates = {}
    for route in ("v1/embed", "v1/reconstruct?pictures=combined"):
        # The first seconds allocate what the server works with.
        warm = min(10, options.seconds)
        process = subprocess.Popen(
            ["wrk", "-t", "1", "-c", "64", "-d", f"{warm + options.seconds}s", "--timeout", "60s", "-s", f"{here}/post.lua",
             server.address + route],
            env={**os.environ, "IMAGE": image}, stdout=subprocess.PIPE, text=True)
        time.sleep(warm)
        before = server.memory
        output = process.communicate()[0]
        after = server.memory
        found = dict(re.findall(r"(\w+)=([\d.]+)", re.search(r"RESULT .*", output)[0]))
        bad = {name: found[name] for name in ("other", "connect", "read", "write", "timeout") if float(found[name])}
        check(f"{route} with 64 connections: no error but 503", not bad and float(found["ok"]) > 0, bad or found)
        # A run of seconds has few answers of pictures, each of which is a hundredth of the memory.
        limit = 0.05 if options.seconds >= 30 else 0.15
        check(f"{route}: memory within {limit:.0%}", abs(after / before - 1) < limit, f"{before >> 20} MiB, then {after >> 20} MiB")
        rates[route] = float(found["ok"]) / float(found["seconds"])
        print(f"{route}: {rates[route]:.1f} answers/s, p50 {found['p50']} ms, p99 {found['p99']} ms")
    count = max(64, int(rates["v1/embed"] * min(options.seconds, 20)))
    copies = f"{folder}/copies"
    os.mkdir(copies)
    for number in range(count):
        os.link(image, f"{copies}/{number}.png")
    said = subprocess.run([options.mae, "embed", run, copies, "--out", f"{folder}/copies.npy"], capture_output=True, text=True, check=True)
    own = float(re.search(r"([\d.]+) images/s", said.stdout + said.stderr)[1])
    print(f"embedding: {rates['v1/embed']:.1f} images/s served, {own:.1f} by mae embed of {count} copies: {rates['v1/embed'] / own:.2f}")


def abuse(server, body):
    """Clients that are slow, break off or are killed. Returns the memory that the server has afterwards."""
    time.sleep(1)
    open_before = descriptors(server)
    head = f"POST /v1/embed HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    # Killed in mid-request, many times.
    program = (f"import socket,time,sys\ns=[socket.create_connection({connection(server).getpeername()[:2]!r}) for _ in range(20)]\n"
               f"[c.sendall({head!r} + {body[:200]!r}) for c in s]\nprint('sent', flush=True)\ntime.sleep(60)")
    for _ in range(10):
        client = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
        client.stdout.readline()
        client.kill()
        client.wait()
    # Answers that nobody takes.
    for _ in range(20):
        with connection(server) as client:
            client.sendall(head + body)
    # A whole queue of work whose clients go: nobody waits for it.
    image = head.replace(b"v1/embed", b"v1/reconstruct") + body
    gone = [connection(server) for _ in range(64)]
    for client in gone:
        client.sendall(image)
    while metric(server, "mae_requests_in_progress") < 32:
        time.sleep(0.01)
    before, dropped = (metric(server, name) for name in COUNTED)
    for client in gone:
        client.close()
    begin = time.monotonic()
    while post(server.address, "v1/reconstruct", body)[0] == 503:
        time.sleep(0.05)
    took = time.monotonic() - begin
    computed, after = (metric(server, name) for name in COUNTED)
    check("work whose clients have gone is dropped", after - dropped >= 30 and computed - before <= 3,
          f"{computed - before:.0f} computed, {after - dropped:.0f} dropped, the next answer after {took:.2f} s")
    # A head, a byte and nothing more; a byte now and then.
    silent = connection(server)
    silent.sendall(head + body[:1])
    slow = connection(server)
    slow.sendall(head)
    begin = time.monotonic()
    answer = b""
    slow.settimeout(1)
    while time.monotonic() - begin < 60:
        try:
            slow.sendall(b"x")
            answer += slow.recv(4096)
            if b"408" in answer:
                break
        except TimeoutError:
            continue
        except OSError:
            break
    took = time.monotonic() - begin
    check("a sender of a byte a second is answered with 408", b"408" in answer and took < 40, f"{took:.0f} s")
    silent.settimeout(30)
    left = silent.recv(4096)
    check("a sender that falls silent is let go", left == b"" or b"408" in left)
    for text in (b"\x00\x01\x02\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"POST /v1/embed HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
                 b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nX: " + b"y" * 200_000 + b"\r\n\r\n"):
        with connection(server) as client:
            client.sendall(text)
            client.settimeout(40)
            try:
                said = client.recv(200)
            except OSError:
                said = b""
        check("what is no HTTP is refused", said == b"" or said.split()[1:2] == [b"400"] or said.split()[1][:1] == b"4", said[:40])
    status, _ = post(server.address, "v1/embed", body)
    check("the server answers after all that", status == 200, status)
    for _ in range(100):
        if descriptors(server) <= open_before + 2:
            break
        time.sleep(0.5)
    check("no connection is left", descriptors(server) <= open_before + 2, f"{open_before}, then {descriptors(server)}")
    return server.memory


def termination(body):
    """SIGTERM with requests under way: they are answered, and the server ends."""
    server = Server(options.mae, [run])
    answers = []
    clients = [threading.Thread(target=lambda: answers.append(post(server.address, "v1/reconstruct", body)[0])) for _ in range(12)]
    for client in clients:
        client.start()
    while "mae_requests_in_progress 0" in urllib.request.urlopen(server.address + "metrics").read().decode():
        pass
    server.process.send_signal(signal.SIGTERM)
    for client in clients:
        client.join()
    check("SIGTERM: what was begun is answered", answers.count(200) >= 1 and set(answers) <= {200}, answers)
    check("and the server ends", server.process.wait(timeout=60) == 0)


def malformed(server):
    """Requests that schemathesis makes of the description."""
    program = shutil.which("schemathesis", path=os.path.dirname(sys.executable)) or shutil.which("schemathesis")
    if not program:
        print("note: schemathesis is not installed; no malformed requests of its making")
        return
    # An address that is too long is refused as such (RFC 6585), which is none of its own list.
    with open(f"{folder}/schemathesis.toml", "w") as file:
        file.write("[checks.negative_data_rejection]\nexpected-statuses = ['400', '401', '403', '404', '405', '413', '415', '422', '431', '5xx']\n")
    result = subprocess.run(
        [program, "run", server.address + "openapi.json", "--max-examples", str(max(5, (options.cases - 600) // 6)), "--continue-on-failure",
         "--seed", "1", "--no-shrink", "--max-response-time", "60", "--no-color", "--exclude-checks", "positive_data_acceptance",
         "--suppress-health-check", "all", "--generation-database", "none"], cwd=folder,
        capture_output=True, text=True)
    # All of it where something was found; addresses may be many kilobytes long.
    lines = [line if len(line) < 2000 else line[:1000] + " … " + line[-1000:] for line in result.stdout.splitlines()]
    print("\n".join(lines[-40:] if result.returncode == 0 else lines))
    check("schemathesis finds nothing", result.returncode == 0, result.returncode)
    text = urllib.request.urlopen(server.address + "metrics").read().decode()
    failed = [line for line in text.splitlines() if re.match(r'mae_requests_total.*status="5(?!03)', line)]
    cases = sum(int(line.split()[-1]) for line in text.splitlines() if line.startswith("mae_requests_total"))
    check("no server error", not failed, failed or f"{cases} requests")


with temporary() as folder:
    run = options.model or model(options.mae, folder)[0]
    image = f"{folder}/image.png"
    picture(image, 2, 224)
    with open(image, "rb") as file:
        body = file.read()
    if "wrk" not in left_out:
        server = Server(options.mae, [run])
        load(server, image, folder)
        check("the server ends", server.end() == 0)
    if "abuse" not in left_out:
        server = Server(options.mae, [run, "--timeout", "5"])
        post(server.address, "v1/embed", body)
        # The first time brings the buffers and threads that a busy server has; what grows after that is lost.
        abuse(server, body)
        second = abuse(server, body)
        third = abuse(server, body)
        check("no memory is left", third < second * 1.05, f"{second >> 20} MiB, then {third >> 20} MiB")
        check("the server ends", server.end() == 0)
    if "termination" not in left_out:
        termination(body)
    if "schemathesis" not in left_out:
        server = Server(options.mae, [run])
        malformed(server)
        check("the server ends", server.end() == 0)

print(f"{checks} passed, 0 failed")
