"""Runs the builds of benches/build_scale.sh, measures them, and prints a table and one line of JSON."""

import argparse
import json
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
GOALS = {"records_per_second": 15_000, "peak_gib": 1.5, "kept_share": 0.95, "python_ratio": 15}


def measured(command):
    """Seconds, processor seconds and peak memory of a command that ends with 0 or 1."""
    reader, writer = os.pipe()
    # A process of its own: the peak that the system tells is that of all the children that a process has had.
    child = os.fork()
    if child == 0:
        begin = time.monotonic()
        code = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
        seconds = time.monotonic() - begin
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        cost = {"seconds": seconds, "cpu_seconds": usage.ru_utime + usage.ru_stime, "peak_bytes": usage.ru_maxrss * 1024}
        failure = "" if code.returncode in (0, 1) else code.stderr.decode(errors="replace")[-2000:]
        with os.fdopen(writer, "w") as pipe:
            json.dump({"failure": failure, **cost}, pipe)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        cost = json.load(pipe)
    os.waitpid(child, 0)
    if failure := cost.pop("failure"):
        sys.exit(f"{' '.join(map(str, command))}: {failure}")
    return cost


def same_bytes(left, right):
    """Whether two folders hold the same files with the same bytes."""
    return subprocess.run(["diff", "-rq", left, right], stdout=subprocess.DEVNULL, check=False).returncode == 0


def size(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def corpus(data, folder, records, variants):
    """The corpus of this size, made where it is not there yet."""
    if not (folder / "planted.json").exists():
        print(f"making a corpus of {records:,} records in {folder}", file=sys.stderr)
        command = [sys.executable, HERE / "corpus.py", data, folder, "--records", str(records), "--variants", str(variants)]
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return folder


def build(programs, source, work, records):
    """What the build of a corpus cost and found."""
    outs = {threads: work / f"{source.name}-{threads}-threads" for threads in (2, 1)}
    costs = {}
    for threads, out in outs.items():
        shutil.rmtree(out, ignore_errors=True)
        print(f"building {records:,} records on {threads} threads", file=sys.stderr)
        command = [programs / "medinjection", "build", "--config", source / "build.toml", "--out", out]
        costs[threads] = measured([*command, "--threads", str(threads)])
    score = subprocess.run(
        [programs / "examples" / "build_scale_score", source / "planted.json", outs[2]],
        stdout=subprocess.PIPE,
        check=True,
    )
    manifest = json.loads((outs[2] / "manifest.json").read_text(encoding="utf-8"))
    kept = sum(count["num_records"] for count in manifest["counts"])
    return {
        "records": records,
        "records_per_second": round(records / costs[2]["seconds"]),
        "seconds": round(costs[2]["seconds"], 2),
        "cpu_seconds": round(costs[2]["cpu_seconds"], 2),
        "seconds_1_thread": round(costs[1]["seconds"], 2),
        "cpu_seconds_1_thread": round(costs[1]["cpu_seconds"], 2),
        "peak_bytes": costs[2]["peak_bytes"],
        "bytes_read": size(source / "native"),
        "bytes_written": size(outs[2]),
        "kept_share": round(kept / records, 4),
        "same_bytes_1_and_2_threads": same_bytes(outs[1], outs[2]),
        **json.loads(score.stdout),
    }


def python_stack(programs, data, work):
    """What the Python stack costs, and the whole build of the same rows on 2 threads."""
    cache = pathlib.Path(os.environ.get("MEDINJECTION_CACHE") or pathlib.Path.home() / ".cache" / "medinjection")
    venv = cache / "build-scale"
    if not (venv / "complete").exists():
        print(f"installing the Python stack in {venv}", file=sys.stderr)
        if subprocess.run([sys.executable, "-m", "venv", "--clear", venv], check=False).returncode != 0:
            sys.exit("python3 -m venv failed; as root type: apt-get install -y python3-venv")
        pip = [venv / "bin" / "python", "-m", "pip", "install", "--quiet", "-r", HERE / "requirements.txt"]
        subprocess.run(pip, check=True)
        (venv / "complete").touch()
    command = [venv / "bin" / "python", HERE / "python_stack.py", data]
    print("running the Python stack", file=sys.stderr)
    theirs = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    config = work / "same-rows.toml"
    source = '[[source]]\nname = "{}"\npath = "{}"\n'
    folders = (("frenchmedmcqa", "frenchmedmcqa"), ("mmlu_fr", "mmlu"))
    config.write_text("".join(source.format(name, (data / folder).resolve()) for name, folder in folders))
    out = work / "same-rows"
    shutil.rmtree(out, ignore_errors=True)
    ours = measured([programs / "medinjection", "build", "--config", config, "--out", out, "--threads", "2"])
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    records = sum(count["num_read"] for count in manifest["counts"])
    speed = round(records / ours["seconds"])
    cpu_ratio = records / ours["cpu_seconds"] / (theirs["records"] / theirs["cpu_seconds"])
    return theirs, {
        "records": records,
        **{key: round(ours[key], 2) for key in ("seconds", "cpu_seconds")},
        "records_per_second": speed,
        "ratio": round(speed / theirs["records_per_second"], 1),
        "cpu_ratio": round(cpu_ratio, 1),
    }


def table(result):
    """The result as lines of text."""
    planted, found = result["planted"], result["found"]
    yield "records", f"{result['records']:,}", ""
    yield "records/s, end to end", f"{result['records_per_second']:,}", f"{GOALS['records_per_second']:,}"
    yield "seconds on 2 threads", f"{result['seconds']:.1f}", ""
    yield "processor seconds", f"{result['cpu_seconds']:.1f}", ""
    yield "seconds on 1 thread", f"{result['seconds_1_thread']:.1f}", ""
    yield "peak memory, MiB", f"{result['peak_bytes'] / 2**20:,.0f}", f"{GOALS['peak_gib'] * 1024:,.0f}"
    yield "MB read / written", f"{result['bytes_read'] / 1e6:,.0f} / {result['bytes_written'] / 1e6:,.0f}", ""
    yield "records kept", f"{result['kept_share']:.2%}", f"{GOALS['kept_share']:.0%}"
    for kind, label in (("exact", "planted duplicates"), ("near", "planted near-duplicates"), ("leak", "planted leaks")):
        yield f"{label} found", f"{found[kind]:,} of {planted[kind]:,}", ""
    yield "rejected, not planted", f"{result['rejected_not_planted']:,}", ""
    yield "1 and 2 threads", "same bytes" if result["same_bytes_1_and_2_threads"] else "OTHER BYTES", "same bytes"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    default = os.environ.get("MEDINJECTION_TEST_DATA", "../shared/data")
    parser.add_argument("data", nargs="?", type=pathlib.Path, default=pathlib.Path(default))
    parser.add_argument("--programs", type=pathlib.Path, required=True)
    parser.add_argument("--records", type=int, default=571_436)
    parser.add_argument("--times", type=int)
    parser.add_argument("--python", action="store_true")
    parser.add_argument("--keep", type=pathlib.Path)
    arguments = parser.parse_args()
    if not (arguments.data / "frenchmedmcqa").is_dir():
        sys.exit(f"{arguments.data}: expected the folder of the real corpora, with frenchmedmcqa/, mmlu/, e3c_fr/, tico19/")
    with tempfile.TemporaryDirectory(prefix="build-scale-") as temporary:
        work = arguments.keep or pathlib.Path(temporary)
        work.mkdir(parents=True, exist_ok=True)

        def run(times):
            records = times * arguments.records
            source = corpus(arguments.data, work / f"corpus-{records}", records, times)
            return build(arguments.programs, source, work, records)

        result = run(1)
        result["load"] = os.getloadavg()[0]
        rows = list(table(result))
        if arguments.times:
            larger = run(arguments.times)
            result["larger"] = larger
            result["time_ratio"] = round(larger["seconds"] / result["seconds"], 2)
            result["memory_ratio"] = round(larger["peak_bytes"] / result["peak_bytes"], 2)
            rows += [(f"{arguments.times} times the records: {name}", *values) for name, *values in table(larger)]
            rows.append((f"{arguments.times} times the records: times the time", f"{result['time_ratio']}", "11 at 10"))
            rows.append((f"{arguments.times} times the records: times the memory", f"{result['memory_ratio']}", "2 at 10"))
        if arguments.python:
            theirs, ours = python_stack(arguments.programs, arguments.data, work)
            result["python"], result["same_rows"] = theirs, ours
            result["python_ratio"] = round(result["records_per_second"] / theirs["records_per_second"], 1)
            rows += [
                ("Python stack, records/s in one process", f"{theirs['records_per_second']:,}", ""),
                ("whole build of the same rows on 2 threads, records/s", f"{ours['records_per_second']:,}", ""),
                ("times the Python stack, same rows", f"{ours['ratio']}", ""),
                ("times the Python stack, same rows, by processor time", f"{ours['cpu_ratio']}", ""),
                ("times the Python stack, at full size", f"{result['python_ratio']}", str(GOALS["python_ratio"])),
            ]
    for name, value, goal in [("what", "measured", "goal"), *rows]:
        print(f"{name:<58} {value:>18} {goal:>12}")
    print(json.dumps(result))
    if not result["same_bytes_1_and_2_threads"]:
        sys.exit("1 and 2 threads gave other bytes")


if __name__ == "__main__":
    main()
